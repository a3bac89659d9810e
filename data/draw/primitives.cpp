#include "data/draw/primitives.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "data/draw/font.h"

namespace mr {

namespace {

constexpr double far_away = 1e6;  // beyond any image: what exceeds it is moved to it

bool finite(Point p) { return std::isfinite(p.x) && std::isfinite(p.y); }
double bounded(double v) { return std::clamp(v, -far_away, far_away); }
int first_pixel(double v) { return static_cast<int>(std::floor(bounded(v))); }
int end_pixel(double v) { return static_cast<int>(std::ceil(bounded(v))); }

struct Clip {
  int x0, y0, x1, y1;
};
Clip clipped(const Image& image, double x0, double y0, double x1, double y1) {
  return {std::max(0, first_pixel(x0)), std::max(0, first_pixel(y0)), std::min(image.width, end_pixel(x1)),
          std::min(image.height, end_pixel(y1))};
}

void mix_pixel(uint8_t* p, Rgb c, double alpha) {
  const auto mixed = [alpha](uint8_t from, uint8_t to) { return static_cast<uint8_t>(from + alpha * (to - from) + 0.5); };
  p[0] = mixed(p[0], c.r);
  p[1] = mixed(p[1], c.g);
  p[2] = mixed(p[2], c.b);
}

Box on_pixels(const Box& b) { return {std::round(b.x1), std::round(b.y1), std::round(b.x2), std::round(b.y2)}; }

// The pixels whose neighbours, as far as `reach` along both axes, are all on; outside the bitmap they are off. A pixel is in the middle of
// 2·reach + 1 that are on where a run of them ends `reach` further on: along the rows first, then, of what is left, along the columns.
Bitmap eroded(const Bitmap& b, int reach) {
  const int needed = 2 * reach + 1;
  Bitmap along(b.height, b.width), both(b.height, b.width);
  for (int y = 0; y < b.height; ++y)
    for (int x = 0, run = 0; x < b.width; ++x) {
      run = b.at(y, x) ? run + 1 : 0;
      if (run >= needed) along.at(y, x - reach) = 1;
    }
  std::vector<int> runs(static_cast<size_t>(b.width));
  for (int y = 0; y < b.height; ++y)
    for (int x = 0; x < b.width; ++x) {
      int& run = runs[static_cast<size_t>(x)];
      run = along.at(y, x) ? run + 1 : 0;
      if (run >= needed) both.at(y - reach, x) = 1;
    }
  return both;
}

}  // namespace

void blend(Image& image, int y, int x, Rgb colour, double alpha) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  mix_pixel(image.at(y, x), colour, std::clamp(alpha, 0.0, 1.0));
}

// A pixel is covered by how far its centre lies inside the band around the segment, in pixels, at most one.
void draw_line(Image& image, Point a, Point b, double width, Rgb colour, double alpha) {
  if (!finite(a) || !finite(b) || !(width > 0)) return;
  a = {bounded(a.x), bounded(a.y)};
  b = {bounded(b.x), bounded(b.y)};
  const double reach = width / 2 + 0.5, dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
  const Clip w =
      clipped(image, std::min(a.x, b.x) - reach, std::min(a.y, b.y) - reach, std::max(a.x, b.x) + reach, std::max(a.y, b.y) + reach);
  for (int y = w.y0; y < w.y1; ++y) {
    for (int x = w.x0; x < w.x1; ++x) {
      const double px = x + 0.5 - a.x, py = y + 0.5 - a.y, t = square > 0 ? std::clamp((px * dx + py * dy) / square, 0.0, 1.0) : 0;
      const double ex = px - t * dx, ey = py - t * dy, cover = reach - std::sqrt(ex * ex + ey * ey);
      if (cover > 0) mix_pixel(image.at(y, x), colour, alpha * std::min(cover, std::min(width, 1.0)));
    }
  }
}

// Four scan lines a pixel row, each with exact horizontal coverage.
void fill_polygon(Image& image, std::span<const Point> points, Rgb colour, double alpha) {
  constexpr int lines = 4;
  if (points.size() < 3 || !std::all_of(points.begin(), points.end(), finite)) return;
  double top = far_away, bottom = -far_away;
  for (const Point& p : points) top = std::min(top, p.y), bottom = std::max(bottom, p.y);
  std::vector<double> cover(static_cast<size_t>(image.width)), at;
  for (int y = std::max(0, first_pixel(top)); y < std::min(image.height, end_pixel(bottom)); ++y) {
    std::fill(cover.begin(), cover.end(), 0.0);
    for (int line = 0; line < lines; ++line) {
      const double row = y + (line + 0.5) / lines;
      at.clear();
      for (size_t i = 0; i < points.size(); ++i) {
        const Point p = points[i], q = points[i + 1 < points.size() ? i + 1 : 0];
        if ((p.y <= row) != (q.y <= row))
          at.push_back(std::clamp(p.x + (row - p.y) / (q.y - p.y) * (q.x - p.x), 0.0, static_cast<double>(image.width)));
      }
      std::sort(at.begin(), at.end());
      for (size_t i = 0; i + 1 < at.size(); i += 2)
        for (int x = first_pixel(at[i]); x < std::min(image.width, end_pixel(at[i + 1])); ++x)
          cover[static_cast<size_t>(x)] += (std::min(at[i + 1], x + 1.0) - std::max<double>(at[i], x)) / lines;
    }
    for (int x = 0; x < image.width; ++x)
      if (cover[static_cast<size_t>(x)] > 0) mix_pixel(image.at(y, x), colour, alpha * std::min(cover[static_cast<size_t>(x)], 1.0));
  }
}

void fill_rectangle(Image& image, const Box& box, Rgb colour, double alpha) {
  const Box b = on_pixels(box);
  if (!finite({b.x1, b.y1}) || !finite({b.x2, b.y2})) return;
  const Clip w = clipped(image, b.x1, b.y1, b.x2, b.y2);
  for (int y = w.y0; y < w.y1; ++y)
    for (int x = w.x0; x < w.x1; ++x) mix_pixel(image.at(y, x), colour, alpha);
}

void draw_rectangle(Image& image, const Box& box, int thickness, Rgb colour, double alpha) {
  const Box b = on_pixels(box);
  if (thickness < 1 || !(b.x2 > b.x1) || !(b.y2 > b.y1)) return;
  const float t = static_cast<float>(thickness), left = std::min(b.x1 + t, b.x2), right = std::max(b.x2 - t, left);
  const float top = std::min(b.y1 + t, b.y2), bottom = std::max(b.y2 - t, top);
  fill_rectangle(image, {b.x1, b.y1, b.x2, top}, colour, alpha);  // four parts that do not overlap
  fill_rectangle(image, {b.x1, bottom, b.x2, b.y2}, colour, alpha);
  fill_rectangle(image, {b.x1, top, left, bottom}, colour, alpha);
  fill_rectangle(image, {right, top, b.x2, bottom}, colour, alpha);
}

int text_width(std::string_view text, int scale) {
  return text.empty() ? 0 : (static_cast<int>(text.size()) * glyph_advance - (glyph_advance - glyph_width)) * scale;
}
int text_height(int scale) { return glyph_height * scale; }

void draw_text(Image& image, int y, int x, std::string_view text, Rgb colour, int scale) {
  check(scale >= 1, "draw_text: scale must be at least 1, got ", scale);
  for (size_t k = 0; k < text.size(); ++k)
    for (int j = 0; j < glyph_height * scale; ++j)
      for (int i = 0; i < glyph_width * scale; ++i)
        if (glyph_pixel(text[k], i / scale, j / scale)) blend(image, y + j, x + static_cast<int>(k) * glyph_advance * scale + i, colour);
}

void fill_mask(Image& image, const CroppedMask& mask, Rgb colour, double alpha) {
  for (int y = 0; y < mask.bits.height; ++y)
    for (int x = 0; x < mask.bits.width; ++x)
      if (mask.bits.at(y, x)) blend(image, mask.y0 + y, mask.x0 + x, colour, alpha);
}

void draw_contour(Image& image, const CroppedMask& mask, int thickness, Rgb colour, double alpha) {
  const Bitmap deep = eroded(mask.bits, thickness);
  for (int y = 0; y < deep.height; ++y)
    for (int x = 0; x < deep.width; ++x)
      if (mask.bits.at(y, x) && !deep.at(y, x)) blend(image, mask.y0 + y, mask.x0 + x, colour, alpha);
}

Image montage(std::span<const Image> images, int columns, int gap, Rgb background) {
  check(columns >= 1, "montage: columns must be at least 1, got ", columns);
  check(gap >= 0, "montage: gap must be at least 0, got ", gap);
  int h = 0, w = 0;
  for (const Image& i : images) h = std::max(h, i.height), w = std::max(w, i.width);
  const int n = static_cast<int>(images.size()), across = std::min(columns, std::max(n, 1)), down = (n + columns - 1) / columns;
  Image out(down * (h + gap) + gap, across * (w + gap) + gap);
  fill_rectangle(out, {0, 0, static_cast<float>(out.width), static_cast<float>(out.height)}, background);
  for (int k = 0; k < n; ++k) {
    const Image& i = images[static_cast<size_t>(k)];
    const int y0 = gap + k / columns * (h + gap) + (h - i.height) / 2, x0 = gap + k % columns * (w + gap) + (w - i.width) / 2;
    for (int y = 0; y < i.height; ++y) std::memcpy(out.at(y0 + y, x0), i.at(y, 0), static_cast<size_t>(i.width) * 3);
  }
  return out;
}

}  // namespace mr
