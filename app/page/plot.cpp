#include "app/page/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "app/page/axes.h"
#include "app/page/table.h"

namespace mr::app {
namespace {

constexpr size_t most_points = 400, most_dots = 24;
constexpr double letter = 6.2;  // of the legend, as wide as most

const std::string& colour_of(size_t curve) {
  static const std::array<std::string, 10> colours = {"#2f6fab", "#d64545", "#3f9142", "#b7791f", "#7b4fb5",
                                                      "#0f8b8d", "#d0559f", "#5b6b7c", "#8a5a2b", "#6a8f00"};
  return colours[curve % colours.size()];
}

std::vector<Point> finite(const std::vector<Point>& points) {
  std::vector<Point> out;
  std::ranges::copy_if(points, std::back_inserter(out), [](const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); });
  return out;
}

std::vector<Point> thinned(const std::vector<Point>& points) {
  const size_t run = (points.size() + most_points - 1) / most_points;
  if (run <= 1) return points;
  std::vector<Point> means;
  for (size_t i = 0; i < points.size(); i += run) {
    const size_t n = std::min(run, points.size() - i);
    Point sum;
    for (size_t k = i; k < i + n; ++k) sum.x += points[k].x, sum.y += points[k].y;
    means.push_back({sum.x / static_cast<double>(n), sum.y / static_cast<double>(n)});
  }
  return means;
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void take(double v) { low = std::min(low, v), high = std::max(high, v); }
  // Of nothing: 0 … 1. Of one value, or nearly: around it.
  void settle() {
    if (low > high) low = 0, high = 1;
    const double about = std::abs(high) < 1e-12 ? 1 : std::abs(high);
    if (high - low < 1e-3 * about) low -= 0.1 * about, high += 0.1 * about;
  }
};

// A distance of ticks, 1, 2 or 5 times a power of ten, of which `most` or fewer fit.
double tick_step(double length, double most) {
  const double least = length / most, power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least) return factor * power;
  return 10 * power;
}

std::vector<double> ticks_in(double low, double high, double step) {
  const double first = std::ceil(low / step - 1e-9), last = std::floor(high / step + 1e-9);
  std::vector<double> ticks;
  for (int64_t k = 0; k <= static_cast<int64_t>(last - first); ++k) ticks.push_back((first + static_cast<double>(k)) * step);
  return ticks;
}

int decimals_of(double step) { return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9); }

// Name after name, in rows under the axis. Returns where it ends.
double draw_legend(Svg* svg, const Plot& plot, double left, double right, double top) {
  double x = left, y = top;
  for (size_t i = 0; plot.curves.size() > 1 && i < plot.curves.size(); ++i) {
    const std::string& name = plot.curves[i].name;
    const double width = 30 + letter * static_cast<double>(width_of(name));
    if (x > left && x + width > right) x = left, y += 16;
    if (svg != nullptr) {
      svg->line({x, y - 4}, {x + 16, y - 4}, {.stroke = colour_of(i), .width = 2.5});
      svg->text(x + 20, y, name, 11, colour::ink);
    }
    x += width;
  }
  return y;
}

}  // namespace

Svg draw(const Plot& plot) {
  std::vector<std::vector<Point>> curves;
  Range x, y;
  for (const Curve& c : plot.curves) {
    curves.push_back(thinned(finite(c.points)));
    for (const Point& p : curves.back()) x.take(p.x), y.take(p.y);
  }
  x.settle(), y.settle();
  if (plot.across) x = {plot.across->first, plot.across->second};
  if (plot.up) y = {plot.up->first, plot.up->second};
  const double up = tick_step(y.high - y.low, 5), across = tick_step(x.high - x.low, 6);
  Axes axes{.x = 62, .width = plot.width, .height = plot.height, .from = x.low, .to = x.high, .low = y.low, .high = y.high};
  const double left = 12, right = axes.x + axes.width + 18, legend = axes.y + axes.height + 48;
  Svg svg(right, draw_legend(nullptr, plot, left, right, legend) + (plot.curves.size() > 1 ? 10 : -10));
  axes.decimals = std::max(decimals_of(up), decimals_of(across));
  axes.draw(svg, plot.title, plot.below, ticks_in(x.low, x.high, across), ticks_in(y.low, y.high, up));
  for (size_t i = 0; i < curves.size(); ++i) {
    std::vector<Point> places;
    for (const Point& p : curves[i]) places.push_back(axes.at(p.x, p.y));
    if (places.size() > 1) svg.polyline(places, {.stroke = colour_of(i), .width = 1.6});
    if (places.size() <= most_dots)
      for (const Point& p : places) svg.circle(p, 2.4, {.fill = colour_of(i)});
  }
  draw_legend(&svg, plot, left, right, legend);
  return svg;
}

}  // namespace mr::app
