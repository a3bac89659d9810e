#include "data/scenes/canvas.h"

#include <algorithm>

namespace mr::scenes {

namespace {

constexpr int most_crossings = 32;  // of one contour set with one row; what exceeds it is not filled

}  // namespace

Canvas::Canvas(int height, int width)
    : height_(height), width_(width), samples_(static_cast<size_t>(height) * static_cast<size_t>(width) * grid * grid) {
  counts_.resize(static_cast<size_t>(height) * grid);
  crossings_.resize(static_cast<size_t>(height) * grid * most_crossings);
}

uint16_t Canvas::add(const Surface& s) {
  if (surfaces_.size() == 65535) return 65534;
  surfaces_.push_back(s);
  return static_cast<uint16_t>(surfaces_.size() - 1);
}

// Even–odd scan conversion at `scale` samples a pixel: a sample is inside when its centre is. span(row, first, last) in samples.
template <class Span> void Canvas::scan(const V2* points, const int* ends, int contours, double scale, int rows, int columns, Span&& span) {
  int top = rows, bottom = 0;
  for (int k = 0, begin = 0; k < contours; begin = ends[k++]) {
    for (int i = begin; i < ends[k]; ++i) {
      V2 p = scale * points[i], q = scale * points[i + 1 < ends[k] ? i + 1 : begin];
      if (p.y > q.y) std::swap(p, q);
      if (!(q.y > 0.5) || !(p.y < rows)) continue;
      const int first = std::max(0, static_cast<int>(std::ceil(std::max(p.y, 0.0) - 0.5)));
      const int last = static_cast<int>(std::ceil(std::min<double>(q.y, rows) - 0.5));
      if (first >= last) continue;
      const double slope = (q.x - p.x) / (q.y - p.y);
      top = std::min(top, first);
      bottom = std::max(bottom, last);
      for (int r = first; r < last; ++r) {
        int& n = counts_[static_cast<size_t>(r)];
        if (n == most_crossings) continue;
        const double x = std::min(std::max(p.x + (r + 0.5 - p.y) * slope, -1.0), columns + 1.0);
        // ⌈x − ½⌉, as a truncation of something positive
        crossings_[static_cast<size_t>(r) * most_crossings + static_cast<size_t>(n++)] = 65536 - static_cast<int>(65536.5 - x);
      }
    }
  }
  for (int r = top; r < bottom; ++r) {
    int* c = &crossings_[static_cast<size_t>(r) * most_crossings];
    int& n = counts_[static_cast<size_t>(r)];
    if (n == 2) {
      if (c[0] > c[1]) std::swap(c[0], c[1]);
    } else {
      std::sort(c, c + n);
    }
    for (int i = 0; i + 1 < n; i += 2) {
      const int from = std::max(c[i], 0), to = std::min(c[i + 1], columns);
      if (from < to) span(r, from, to);
    }
    n = 0;
  }
}

void Canvas::fill(const V2* points, const int* ends, int contours, uint16_t surface) {
  const int columns = width_ * grid;
  scan(points, ends, contours, grid, height_ * grid, columns, [&](int row, int from, int to) {
    uint16_t* p = samples_.data() + static_cast<size_t>(row) * static_cast<size_t>(columns);
    std::fill(p + from, p + to, surface);
  });
}

void Canvas::fill(const std::vector<V2>& points, uint16_t surface) {
  const int end = static_cast<int>(points.size());
  fill(points.data(), &end, 1, surface);
}

void Canvas::claim(const V2* points, int count, uint16_t owner) {
  const int columns = width_ * grid;
  std::vector<uint16_t> claimed(surfaces_.size());  // a surface's copy under the new owner; 0: none yet
  scan(points, &count, 1, grid, height_ * grid, columns, [&](int row, int from, int to) {
    uint16_t* p = samples_.data() + static_cast<size_t>(row) * static_cast<size_t>(columns);
    for (int i = from; i < to; ++i) {
      if (p[i] >= claimed.size()) continue;  // a copy already
      uint16_t& copy = claimed[p[i]];
      if (copy == 0) {
        Surface s = surfaces_[p[i]];
        s.owner = owner;
        copy = add(s);
      }
      p[i] = copy;
    }
  });
}

void Canvas::shade(const std::vector<V2>& points, double strength) {
  if (light_.empty()) light_.assign(static_cast<size_t>(height_) * static_cast<size_t>(width_), 1.0f);
  const int end = static_cast<int>(points.size());
  const float step = static_cast<float>(strength / 4);  // two samples a side: a quarter of the pixel each
  scan(points.data(), &end, 1, 2, height_ * 2, width_ * 2, [&](int row, int from, int to) {
    float* p = light_.data() + static_cast<size_t>(row / 2) * static_cast<size_t>(width_);
    for (int x = from; x < to; ++x) p[x / 2] -= step * p[x / 2];
  });
}

void Canvas::shade_soft(const Camera& camera, V3 centre, V3 u, V3 v, double strength) {
  if (light_.empty()) light_.assign(static_cast<size_t>(height_) * static_cast<size_t>(width_), 1.0f);
  double x0 = width_, x1 = 0, y0 = height_, y1 = 0;
  for (int corner = 0; corner < 4; ++corner) {
    const V3 p = centre + (corner & 1 ? 1.0 : -1.0) * u + (corner & 2 ? 1.0 : -1.0) * v;
    const V2 q = camera.project({p.x, 0, std::max(p.z, 0.5)});
    x0 = std::min(x0, q.x), x1 = std::max(x1, q.x), y0 = std::min(y0, q.y), y1 = std::max(y1, q.y);
  }
  const double uu = dot(u, u), vv = dot(v, v);
  const int left = std::max(0, static_cast<int>(std::max(x0, 0.0))), right = static_cast<int>(std::min<double>(x1 + 1, width_));
  const int top = std::max(static_cast<int>(std::max(y0, 0.0)), static_cast<int>(std::max(camera.horizon + 1, 0.0)));
  const int bottom = static_cast<int>(std::min<double>(y1 + 1, height_));
  for (int y = top; y < bottom; ++y) {
    const double z = camera.f * camera.height / (y + 0.5 - camera.horizon);
    for (int x = left; x < right; ++x) {
      const V3 d{(x + 0.5 - camera.cx) * z / camera.f - centre.x, 0, z - centre.z};
      const double s = dot(d, u) / uu, t = dot(d, v) / vv, r = s * s + t * t;
      if (r >= 1) continue;
      light_[static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)] *=
          static_cast<float>(1 - strength * (1 - r) * (1 - r));
    }
  }
}

}  // namespace mr::scenes
