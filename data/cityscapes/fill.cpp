#include "data/cityscapes/fill.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mr {
namespace {

// An edge that is not level.
struct Edge {
  int x0, y0, top, bottom;
  float dx;  // a row

  float at(int y) const { return static_cast<float>(y - y0) * dx + static_cast<float>(x0); }
  bool ends(int y) const { return y == top || y == bottom; }
};

int rounded_out(float x) { return static_cast<int>(x >= 0 ? std::floor(x + 0.5F) : -std::floor(std::abs(double{x}) + 0.5)); }
int rounded_in(float x) { return static_cast<int>(x >= 0 ? std::ceil(x - 0.5F) : -std::ceil(std::abs(double{x}) - 0.5)); }

// Where edge i crosses row y, one of its ends, once the corner is closed that it makes with the
// first of the edges before it that does.
float closed_corner(const std::vector<Edge>& edges, size_t i, int y) {
  const Edge& e = edges[i];
  const float x = e.at(y);
  const int next = y == e.bottom ? y - 1 : y + 1;
  const auto meets = [&](const Edge& o) {
    return o.ends(y) && o.dx != 0 && std::round(o.at(y)) == std::round(x) && next >= o.top && next <= o.bottom;
  };
  const auto before = edges.begin() + static_cast<std::ptrdiff_t>(i);
  const auto other = std::find_if(edges.begin(), before, meets);
  if (other == before) return x;
  const float a = e.at(next), b = other->at(next);
  if (x > a + 1 && x > b + 1) return std::round(std::max(a, b)) + 1;
  if (x < a - 1 && x < b - 1) return std::round(std::min(a, b)) - 1;
  return x;
}

class Filler {
 public:
  Filler(Bitmap16& map, uint16_t value) : map_(map), value_(value) {}

  void polygon(std::span<const PixelPoint> outline) {
    for (size_t k = 0; k + 1 < outline.size(); ++k) edge(outline[k], outline[k + 1]);
    if (outline.front() != outline.back()) edge(outline.back(), outline.front());
    for (int y = std::max(top_, 0); y <= std::min(bottom_, map_.height - 1); ++y) row(y);
  }

 private:
  void edge(PixelPoint a, PixelPoint b) {
    top_ = std::min({top_, a.y, b.y}), bottom_ = std::max({bottom_, a.y, b.y});
    if (a.y == b.y) return stretch(a.y, std::min(a.x, b.x), std::max(a.x, b.x));
    edges_.push_back({a.x, a.y, std::min(a.y, b.y), std::max(a.y, b.y), static_cast<float>(b.x - a.x) / static_cast<float>(b.y - a.y)});
  }

  void row(int y) {
    crossings_.clear();
    for (size_t i = 0; i < edges_.size(); ++i) {
      const Edge& e = edges_[i];
      if (y < e.top || y > e.bottom) continue;
      if (y == e.bottom && y < bottom_)
        crossings_.insert(crossings_.end(), 2, e.at(y));
      else
        crossings_.push_back(e.ends(y) && e.dx != 0 ? closed_corner(edges_, i, y) : e.at(y));
    }
    std::ranges::sort(crossings_);
    for (size_t k = 1; k < crossings_.size(); k += 2) stretch(y, rounded_out(crossings_[k - 1]), rounded_in(crossings_[k]));
  }

  void stretch(int y, int first, int last) {
    if (y < 0 || y >= map_.height) return;
    first = std::max(first, 0), last = std::min(last, map_.width - 1);
    for (int x = first; x <= last; ++x) map_.at(y, x) = value_;
  }

  Bitmap16& map_;
  uint16_t value_;
  int top_ = 1 << 30, bottom_ = -(1 << 30);  // of all vertices
  std::vector<Edge> edges_;
  std::vector<float> crossings_;
};

}  // namespace

void fill_polygon(std::span<const PixelPoint> outline, Bitmap16& map, uint16_t value) {
  if (!outline.empty()) Filler(map, value).polygon(outline);
}

}  // namespace mr
