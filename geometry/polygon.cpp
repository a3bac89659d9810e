#include "geometry/polygon.h"

#include <algorithm>
#include <bit>
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

// The columns that an edge from fine column `left` to `right` passes: their middles, between 5x+2 and 5x+3, lie in its span.
int first_column(int left) { return left <= 2 ? 0 : (left + 2) / 5; }
int last_column(int right) { return right < 3 ? -1 : (right - 3) / 5; }

// Where a polygon's trace passes the middles of the image's pixel columns, edge by edge, for the columns [first, past): calls
// at(x, y), where column x swaps inside and outside from pixel y on (y = height: below its last pixel). Each column is passed an even
// number of times.
template <class At> class Trace {
 public:
  Trace(int height, int first, int past, At& at) : height_(height), first_(first), past_(past), at_(at) {}

  void edge(Point p, Point q) {
    if (p.x == q.x) return;
    if (std::abs(q.x - p.x) >= std::abs(q.y - p.y))
      flat_edge(p, q);
    else
      steep_edge(p, q);
  }

 private:
  // The trace passes the middle of column x, its upper end at fine row v: the first pixel whose middle row, 5y + 2, is not above.
  void pass(int x, int v) { at_(x, v <= 2 ? 0 : std::min((v + 2) / 5, height_)); }
  int begin(int left) const { return std::max(first_column(left), first_); }
  int last(int right) const { return std::min(last_column(right), past_ - 1); }

  // An edge with |dx| ≥ |dy| steps through u; p is its left end.
  void flat_edge(Point p, Point q) {
    if (p.x > q.x) std::swap(p, q);
    const double slope = static_cast<double>(q.y - p.y) / (q.x - p.x);
    const int end = last(q.x);
    for (int x = begin(p.x); x <= end; ++x) {
      const int t = 5 * x + 2 - p.x;
      pass(x, std::min(rounded(p.y + slope * t), rounded(p.y + slope * (t + 1))));
    }
  }

  // An edge with |dy| > |dx| steps through v; p is its upper end, and u(t) never moves by more than one.
  void steep_edge(Point p, Point q) {
    if (p.y > q.y) std::swap(p, q);
    const int dy = q.y - p.y;
    const double slope = static_cast<double>(q.x - p.x) / dy;
    const auto u = [&](int t) { return rounded(p.x + slope * t); };
    const int end = last(std::max(p.x, q.x));
    for (int x = begin(std::min(p.x, q.x)); x <= end; ++x) {
      const int middle = 5 * x + 3;
      const auto passed = [&](int t) { return slope > 0 ? u(t) >= middle : u(t) < middle; };
      int t = std::clamp(static_cast<int>((middle - 0.5 - p.x) / slope), 1, dy);
      while (t > 1 && passed(t - 1)) --t;
      while (t < dy && !passed(t)) ++t;
      pass(x, p.y + t - 1);
    }
  }

  int height_, first_, past_;
  At& at_;
};

// A polygon on the fine grid, and how it becomes runs.
class Outline {
 public:
  Outline(std::span<const double> xy, int height, int width) : height_(height) {
    for (size_t i = 0; i + 1 < xy.size(); i += 2) points_.push_back({rounded(5 * xy[i]), rounded(5 * xy[i + 1])});
    first_ = width, past_ = 0;
    for_edges([&](Point p, Point q) {
      const int left = first_column(std::min(p.x, q.x));
      const int right = std::min(last_column(std::max(p.x, q.x)), width - 1);
      if (p.x == q.x || left > right) return;
      crossings_ += right - left + 1;
      first_ = std::min(first_, left), past_ = std::max(past_, right + 1);
    });
  }

  void write(RleWriter& out) const {
    const int64_t pixels = std::max(past_ - first_, 0) * int64_t{height_};
    if (crossings_ <= pixels / kPixelsACrossing)
      write_few(out);
    else
      write_many(out);
  }

 private:
  // Where a column is passed more often than once in so many pixels, a bit a pixel costs less than a number a crossing.
  static constexpr int64_t kPixelsACrossing = 32;
  static constexpr int64_t kBand = int64_t{1} << 26;  // pixels of the columns that are held as bits at a time: 8 MB

  template <class Edge> void for_edges(Edge&& edge) const {
    for (size_t i = 0; i < points_.size(); ++i) edge(points_[i > 0 ? i - 1 : points_.size() - 1], points_[i]);
  }
  template <class At> void trace(int first, int past, At&& at) const {
    Trace<At> line(height_, first, past, at);
    for_edges([&](Point p, Point q) { line.edge(p, q); });
  }

  // Crossings as pixel numbers, counted out by column, then put in order within each, where there are few.
  void write_few(RleWriter& out) const {
    std::vector<Point> at;
    at.reserve(static_cast<size_t>(crossings_));
    trace(first_, past_, [&](int x, int y) { at.push_back({x, y}); });
    std::vector<uint32_t> start(static_cast<size_t>(std::max(past_ - first_, 0)) + 1);
    for (const Point p : at) ++start[static_cast<size_t>(p.x - first_) + 1];
    for (size_t c = 1; c < start.size(); ++c) start[c] += start[c - 1];
    std::vector<uint32_t> rows(at.size()), end(start.begin(), start.end() - 1);
    for (const Point p : at) rows[end[static_cast<size_t>(p.x - first_)]++] = static_cast<uint32_t>(p.y);
    for (size_t c = 0; c + 1 < start.size(); ++c) {
      std::sort(rows.begin() + start[c], rows.begin() + start[c + 1]);
      const uint32_t top = (static_cast<uint32_t>(first_) + static_cast<uint32_t>(c)) * static_cast<uint32_t>(height_);
      for (uint32_t i = start[c]; i < start[c + 1]; i += 2) out.ones(top + rows[i], top + rows[i + 1]);
    }
  }

  // A bit for each pixel that swaps its column, and one below the last: two crossings of one pixel leave it as it was.
  void write_many(RleWriter& out) const {
    const auto words = static_cast<size_t>(height_) / 64 + 1;  // of a column
    const int columns = static_cast<int>(std::clamp<int64_t>(kBand / height_, 1, past_ - first_));
    std::vector<uint64_t> swaps(words * static_cast<size_t>(columns));
    for (int begin = first_; begin < past_; begin += columns) {
      const int end = std::min(begin + columns, past_);
      std::fill(swaps.begin(), swaps.end(), 0);
      trace(begin, end,
            [&](int x, int y) { swaps[static_cast<size_t>(x - begin) * words + static_cast<size_t>(y) / 64] ^= uint64_t{1} << (y % 64); });
      size_t changes = 0;
      for (const uint64_t word : swaps) changes += static_cast<size_t>(std::popcount(word));
      out.expect(changes / 2);
      for (int x = begin; x < end; ++x)
        write_column(std::span(swaps).subspan(static_cast<size_t>(x - begin) * words, words), static_cast<uint32_t>(x), out);
    }
  }
  void write_column(std::span<const uint64_t> swaps, uint32_t x, RleWriter& out) const {
    const uint32_t top = x * static_cast<uint32_t>(height_);
    uint32_t from = 0;
    bool inside = false;
    for (size_t k = 0; k < swaps.size(); ++k)
      for (uint64_t word = swaps[k]; word != 0; word &= word - 1) {
        const uint32_t y = top + static_cast<uint32_t>(64 * k) + static_cast<uint32_t>(std::countr_zero(word));
        if (inside) out.ones(from, y);
        from = y, inside = !inside;
      }
  }

  int height_, first_ = 0, past_ = 0;  // the columns that are passed
  int64_t crossings_ = 0;
  std::vector<Point> points_;
};

}  // namespace

void polygon_check(std::span<const double> xy) {
  if (xy.size() % 2 != 0) throw Error("polygon: coordinates must come in pairs, got " + std::to_string(xy.size()));
  for (const double v : xy)
    if (!(std::abs(v) <= kFarthest)) throw Error("polygon: a coordinate must be finite and within +-1000000, got " + std::to_string(v));
}

Rle rasterise(std::span<const double> xy, int height, int width) {
  polygon_check(xy);
  RleWriter out(height, width);
  Outline(xy, height, width).write(out);
  return out.finish();
}

Rle rasterise(const std::vector<std::vector<double>>& polygons, int height, int width) {
  if (polygons.empty()) return rasterise(std::span<const double>(), height, width);
  std::vector<Rle> parts;
  for (const std::vector<double>& xy : polygons) parts.push_back(rasterise(xy, height, width));
  return rle_merge(parts);
}

}  // namespace mr
