// Curves of numbers over a common axis, as a drawing.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/page/svg.h"

namespace mr::app {

struct Curve {
  std::string name;  // for the legend, which a plot of one curve goes without
  std::vector<Point> points = {};
};

struct Plot {
  std::string title, below;  // below: what the horizontal axis shows
  std::vector<Curve> curves = {};
  std::optional<std::pair<double, double>> across = {}, up = {};  // what the axes show; none: what the curves reach
  double width = 310, height = 170;                               // of the rectangle between the axes
};

// Points that are not finite are left out; single ones, and those of short curves, are dots. Of more than 400 points of a curve each run of
// neighbours becomes its mean, so that 400 or fewer are drawn.
Svg draw(const Plot& plot);

}  // namespace mr::app
