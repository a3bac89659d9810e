#include "geometry/polygon.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace mr {
namespace {

constexpr double kFarthest = 1e6;

struct Point {
  int x, y;
};

// Towards zero, as C rounds; the two differ from floor only left of and above the image.
int rounded(double v) { return static_cast<int>(v + 0.5); }

// Collects the pixels at which columns swap inside and outside.
struct Crossings {
  int height, width;
  std::vector<Point> at;

  // The trace passes the middle of column x, its upper end at fine row v: the first pixel whose middle row, 5y + 2, is not above.
  void add(int x, int v) { at.push_back({x, v <= 2 ? 0 : std::min((v + 2) / 5, height)}); }

  // The image's columns x whose middle, between 5x+2 and 5x+3, lies in [from, to].
  int first_column(int from) const { return from <= 2 ? 0 : (from + 2) / 5; }
  int last_column(int to) const { return to < 3 ? -1 : std::min((to - 3) / 5, width - 1); }

  // An edge with |dx| ≥ |dy| steps through u; p is its left end.
  void flat_edge(Point p, Point q) {
    if (p.x > q.x) std::swap(p, q);
    const double slope = static_cast<double>(q.y - p.y) / (q.x - p.x);
    const int last = last_column(q.x);
    for (int x = first_column(p.x); x <= last; ++x) {
      const int t = 5 * x + 2 - p.x;
      add(x, std::min(rounded(p.y + slope * t), rounded(p.y + slope * (t + 1))));
    }
  }

  // An edge with |dy| > |dx| steps through v; p is its upper end, and u(t) never moves by more than one.
  void steep_edge(Point p, Point q) {
    if (p.y > q.y) std::swap(p, q);
    const int dy = q.y - p.y;
    const double slope = static_cast<double>(q.x - p.x) / dy;
    const auto u = [&](int t) { return rounded(p.x + slope * t); };
    const int last = last_column(std::max(p.x, q.x));
    for (int x = first_column(std::min(p.x, q.x)); x <= last; ++x) {
      const int middle = 5 * x + 3;
      const auto passed = [&](int t) { return slope > 0 ? u(t) >= middle : u(t) < middle; };
      int t = std::clamp(static_cast<int>((middle - 0.5 - p.x) / slope), 1, dy);
      while (t > 1 && passed(t - 1)) --t;
      while (t < dy && !passed(t)) ++t;
      add(x, p.y + t - 1);
    }
  }

  void edge(Point p, Point q) {
    if (p.x == q.x) return;
    if (std::abs(q.x - p.x) >= std::abs(q.y - p.y))
      flat_edge(p, q);
    else
      steep_edge(p, q);
  }
};

// Column-major pixel numbers, rising: counted out by column, then put in order within each, where there are few.
std::vector<uint32_t> sorted(const Crossings& crossings) {
  if (crossings.at.empty()) return {};
  const auto [left, right] = std::minmax_element(crossings.at.begin(), crossings.at.end(), [](Point a, Point b) { return a.x < b.x; });
  const int first = left->x;
  std::vector<uint32_t> start(static_cast<size_t>(right->x - first) + 2);
  for (const Point p : crossings.at) ++start[static_cast<size_t>(p.x - first) + 1];
  for (size_t c = 1; c < start.size(); ++c) start[c] += start[c - 1];
  std::vector<uint32_t> out(crossings.at.size()), end(start.begin(), start.end() - 1);
  for (const Point p : crossings.at) {
    const auto column = static_cast<size_t>(p.x - first);
    const uint32_t pixel = static_cast<uint32_t>(p.x) * static_cast<uint32_t>(crossings.height) + static_cast<uint32_t>(p.y);
    out[end[column]++] = pixel;
  }
  for (size_t c = 0; c + 1 < start.size(); ++c) std::sort(out.begin() + start[c], out.begin() + start[c + 1]);
  return out;
}

}  // namespace

void polygon_check(std::span<const double> xy) {
  if (xy.size() % 2 != 0) throw Error("polygon: coordinates must come in pairs, got " + std::to_string(xy.size()));
  for (const double v : xy)
    if (!(std::abs(v) <= kFarthest)) throw Error("polygon: a coordinate must be finite and within +-1000000, got " + std::to_string(v));
}

Rle rasterise(std::span<const double> xy, int height, int width) {
  polygon_check(xy);
  RleWriter out(height, width);
  Crossings crossings{height, width, {}};
  const auto point = [&](size_t i) { return Point{rounded(5 * xy[2 * i]), rounded(5 * xy[2 * i + 1])}; };
  const size_t n = xy.size() / 2;
  if (n > 0) {
    Point from = point(n - 1);
    for (size_t i = 0; i < n; ++i) {
      const Point to = point(i);
      crossings.edge(from, to);
      from = to;
    }
  }
  const std::vector<uint32_t> at = sorted(crossings);
  for (size_t i = 0; i + 1 < at.size(); i += 2) out.ones(at[i], at[i + 1]);
  return out.finish();
}

Rle rasterise(const std::vector<std::vector<double>>& polygons, int height, int width) {
  if (polygons.empty()) return rasterise(std::span<const double>(), height, width);
  std::vector<Rle> parts;
  for (const std::vector<double>& xy : polygons) parts.push_back(rasterise(xy, height, width));
  return rle_merge(parts);
}

}  // namespace mr
