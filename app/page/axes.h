// A rectangle of a drawing in which curves are drawn over two axes.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/page/svg.h"

namespace mr::app {

struct Axes {
  double x = 40, y = 26, width = 280, height = 180;
  double from = 0, to = 1, low = 0, high = 1;  // what it shows
  int decimals = 2;                            // of the numbers at the ticks

  Point at(double u, double v) const { return {x + (u - from) / (to - from) * width, y + (high - v) / (high - low) * height}; }
  void draw(Svg& svg, const std::string& title, const std::string& below, const std::vector<double>& ticks,
            const std::vector<double>& side_ticks) const;
  // f at `points` places, left to right; where it leaves the rectangle the curve is cut off.
  void curve(Svg& svg, const std::function<double(double)>& f, const Style& style, int points = 161) const;
  void legend(Svg& svg, const std::vector<std::pair<std::string, Style>>& entries, double step) const;  // under the axis
};

}  // namespace mr::app
