#include "data/convert/shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mr::convert {

Polygon rectangle(double x1, double y1, double x2, double y2) { return {x1, y1, x2, y1, x2, y2, x1, y2}; }

Polygon turned_rectangle(double x1, double y1, double x2, double y2, double angle) {
  Polygon corners = rectangle(x1, y1, x2, y2);
  const double x = (x1 + x2) / 2, y = (y1 + y2) / 2, c = std::cos(angle), s = std::sin(angle);
  for (size_t i = 0; i < corners.size(); i += 2) {
    const double dx = corners[i] - x, dy = corners[i + 1] - y;
    corners[i] = x + c * dx - s * dy;
    corners[i + 1] = y + s * dx + c * dy;
  }
  return corners;
}

// An edge over the angle 2π/n leaves a circle of radius r by r (1 − cos(π/n)) at its middle; an ellipse is a circle of the longer half axis
// pressed together, which makes no distance larger.
Polygon ellipse(double x, double y, double rx, double ry, double angle) {
  constexpr double tolerance = 0.05, largest = 1e7;
  const auto sound = [](double v) { return std::abs(v) <= largest; };
  if (!(rx > 0 && ry > 0) || !sound(rx) || !sound(ry) || !sound(x) || !sound(y) || !std::isfinite(angle)) return {};
  const double r = std::max(rx, ry);
  const double step = std::acos(1 - std::min(tolerance / r, 1.0));
  const int n = std::max(16, static_cast<int>(std::ceil(std::numbers::pi / step)));
  const double c = std::cos(angle), s = std::sin(angle);
  Polygon points;
  points.reserve(2 * static_cast<size_t>(n));
  for (int k = 0; k < n; ++k) {
    const double t = 2 * std::numbers::pi * k / n, u = rx * std::cos(t), v = ry * std::sin(t);
    points.push_back(x + c * u - s * v);
    points.push_back(y + s * u + c * v);
  }
  return points;
}

}  // namespace mr::convert
