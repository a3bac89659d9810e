// Flips, turns, crops and resizes of masks and boxes, and with them of whole samples; of images: pixels.cpp.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "data/transforms/objects.h"
#include "data/transforms/pixels.h"
#include "data/transforms/transforms.h"

namespace mr {
namespace {

void check_size(const char* op, int height, int width) {
  check(height > 0 && width > 0, op, ": expected a size of at least 1×1, got ", width, "×", height);
}

void reverse_columns(CroppedMask& m) {
  for (int y = 0; y < m.bits.height; ++y) {
    uint8_t* row = m.bits.pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(m.bits.width);
    std::reverse(row, row + m.bits.width);
  }
  m.x0 = m.image_width - m.x0 - m.bits.width;
}

void reverse_rows(CroppedMask& m) {
  const size_t w = static_cast<size_t>(m.bits.width);
  for (int y = 0; y < m.bits.height / 2; ++y) {
    uint8_t* a = m.bits.pixels.data() + static_cast<size_t>(y) * w;
    uint8_t* b = m.bits.pixels.data() + static_cast<size_t>(m.bits.height - 1 - y) * w;
    std::swap_ranges(a, a + w, b);
  }
  m.y0 = m.image_height - m.y0 - m.bits.height;
}

void transpose(CroppedMask& m) {
  Bitmap t(m.bits.width, m.bits.height);
  for (int y = 0; y < t.height; ++y)
    for (int x = 0; x < t.width; ++x) t.at(y, x) = m.bits.at(x, y);
  m.bits = std::move(t);
  std::swap(m.x0, m.y0);
  std::swap(m.image_height, m.image_width);
}

void transpose(Instance& i) {
  i.box = {i.box.y1, i.box.x1, i.box.y2, i.box.x2};
  transpose(i.mask);
}

// The pixel of [0, in) nearest to j of [0, out): ⌊(j + ½)·in/out⌋, exactly.
int nearest(int64_t j, int64_t in, int64_t out) { return static_cast<int>((2 * j + 1) * in / (2 * out)); }

// The j of [0, out) whose nearest pixel lies in [begin, end): first, and one behind the last.
std::pair<int, int> reached(int begin, int end, int in, int out) {
  const auto first_at_least = [&](int64_t pixel) {
    int64_t j = std::clamp<int64_t>((2 * pixel * out / in - 1) / 2, 0, out);  // near it from below
    while (j > 0 && nearest(j - 1, in, out) >= pixel) --j;
    while (j < out && nearest(j, in, out) < pixel) ++j;
    return static_cast<int>(j);
  };
  const int first = begin <= 0 ? 0 : first_at_least(begin);
  return {first, end >= in ? out : std::max(first, first_at_least(end))};
}

struct Tight {
  int y1 = 0, x1 = 0, y2 = 0, x2 = 0;  // of the bits; empty: all 0
  int64_t pixels = 0;
};

Tight tighten(const Bitmap& b) {
  Tight t{b.height, b.width, 0, 0, 0};
  for (int y = 0; y < b.height; ++y) {
    const uint8_t* row = b.pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(b.width);
    int first = b.width, last = -1;
    for (int x = 0; x < b.width; ++x)
      if (row[x]) {
        first = std::min(first, x);
        last = x;
        ++t.pixels;
      }
    if (last < 0) continue;
    t.y1 = std::min(t.y1, y);
    t.y2 = y + 1;
    t.x1 = std::min(t.x1, first);
    t.x2 = std::max(t.x2, last + 1);
  }
  return t.pixels ? t : Tight{};
}

// Instance after the crop, or false: nothing left of it.
bool crop_instance(Instance& i, const Window& w, int height, int width, int min_pixels) {
  if (i.mask.bits.pixels.empty()) {
    const float sx = static_cast<float>(width) / static_cast<float>(w.width),
                sy = static_cast<float>(height) / static_cast<float>(w.height);
    const auto cut = [](float v, int from, int size, float scale) {
      return std::clamp(v - static_cast<float>(from), 0.0f, static_cast<float>(size)) * scale;
    };
    i.box = {cut(i.box.x1, w.x, w.width, sx), cut(i.box.y1, w.y, w.height, sy), cut(i.box.x2, w.x, w.width, sx),
             cut(i.box.y2, w.y, w.height, sy)};
    i.area = i.box.area();
    i.mask.image_height = height;
    i.mask.image_width = width;
    return i.box.width() > 0 && i.box.height() > 0 && i.area >= min_pixels;
  }
  i.mask = cropped(i.mask, w, height, width);
  i.area = static_cast<double>(count_pixels(i.mask));
  i.box = extent(i.mask);
  return i.area >= std::max(min_pixels, 1);
}

}  // namespace

Box extent(const CroppedMask& m) {
  const Tight t = tighten(m.bits);
  if (!t.pixels) return {};
  return {static_cast<float>(m.x0 + t.x1), static_cast<float>(m.y0 + t.y1), static_cast<float>(m.x0 + t.x2),
          static_cast<float>(m.y0 + t.y2)};
}

int64_t count_pixels(const CroppedMask& m) { return tighten(m.bits).pixels; }

CroppedMask cropped(const CroppedMask& m, const Window& w, int height, int width) {
  const auto [x_begin, x_end] = reached(m.x0 - w.x, m.x0 + m.bits.width - w.x, w.width, width);
  const auto [y_begin, y_end] = reached(m.y0 - w.y, m.y0 + m.bits.height - w.y, w.height, height);
  CroppedMask out;
  out.image_height = height;
  out.image_width = width;
  if (m.bits.pixels.empty() || x_begin >= x_end || y_begin >= y_end) return out;
  out.x0 = x_begin;
  out.y0 = y_begin;
  out.bits = Bitmap(y_end - y_begin, x_end - x_begin);
  std::vector<int> columns(static_cast<size_t>(out.bits.width));
  for (int x = x_begin; x < x_end; ++x) columns[static_cast<size_t>(x - x_begin)] = w.x + nearest(x, w.width, width) - m.x0;
  uint8_t* to = out.bits.pixels.data();
  for (int y = y_begin; y < y_end; ++y) {
    const int row = w.y + nearest(y, w.height, height) - m.y0;
    const uint8_t* from = m.bits.pixels.data() + static_cast<size_t>(row) * static_cast<size_t>(m.bits.width);
    for (const int c : columns) *to++ = from[c];
  }
  const Tight t = tighten(out.bits);
  if (t.pixels == 0) {
    out.x0 = out.y0 = 0;
    out.bits = {};
  } else if (t.y2 - t.y1 < out.bits.height || t.x2 - t.x1 < out.bits.width) {
    Bitmap tight(t.y2 - t.y1, t.x2 - t.x1);
    for (int y = 0; y < tight.height; ++y) std::memcpy(&tight.at(y, 0), &out.bits.at(y + t.y1, t.x1), static_cast<size_t>(tight.width));
    out.bits = std::move(tight);
    out.x0 += t.x1;
    out.y0 += t.y1;
  }
  return out;
}

void flip_horizontal(std::vector<Instance>& objects, PixelSize image) {
  const float w = static_cast<float>(image.width);
  for (Instance& i : objects) {
    i.box = {w - i.box.x2, i.box.y1, w - i.box.x1, i.box.y2};
    reverse_columns(i.mask);
  }
}

void flip_vertical(std::vector<Instance>& objects, PixelSize image) {
  const float h = static_cast<float>(image.height);
  for (Instance& i : objects) {
    i.box = {i.box.x1, h - i.box.y2, i.box.x2, h - i.box.y1};
    reverse_rows(i.mask);
  }
}

void rotate90(std::vector<Instance>& objects, PixelSize image, int k) {
  if (k % 2 == 1) {
    for (Instance& i : objects) transpose(i);
    std::swap(image.height, image.width);
  }
  if (k == 1 || k == 2) flip_vertical(objects, image);
  if (k == 2 || k == 3) flip_horizontal(objects, image);
}

void resize(std::vector<Instance>& objects, PixelSize image, PixelSize to) {
  if (to == image) return;
  const float sx = static_cast<float>(to.width) / static_cast<float>(image.width),
              sy = static_cast<float>(to.height) / static_cast<float>(image.height);
  for (Instance& i : objects) {
    i.box = {i.box.x1 * sx, i.box.y1 * sy, i.box.x2 * sx, i.box.y2 * sy};
    i.area *= static_cast<double>(sx) * static_cast<double>(sy);
    i.mask = cropped(i.mask, {0, 0, image.height, image.width}, to.height, to.width);
  }
}

void crop(std::vector<Instance>& objects, const Window& w, PixelSize to, int min_pixels) {
  std::erase_if(objects, [&](Instance& i) { return !crop_instance(i, w, to.height, to.width, min_pixels); });
}

Box changed(const Box& box, const PixelChange& c) {
  const auto place = [](float v, int from, int size, int to) {
    const float inside = std::clamp(v - static_cast<float>(from), 0.0f, static_cast<float>(size));
    return inside * (static_cast<float>(to) / static_cast<float>(size));
  };
  const auto x = [&](float v) { return place(v, c.window.x, c.window.width, c.width); };
  const auto y = [&](float v) { return place(v, c.window.y, c.window.height, c.height); };
  Box b{x(box.x1), y(box.y1), x(box.x2), y(box.y2)};
  const auto height = static_cast<float>(c.final_height()), width = static_cast<float>(c.final_width());
  // A turn is a transposition and flips (PixelChange::undo).
  if (c.quarter_turns % 2 == 1) b = {b.y1, b.x1, b.y2, b.x2};
  if (c.flip_vertical != (c.quarter_turns == 1 || c.quarter_turns == 2)) b = {b.x1, height - b.y2, b.x2, height - b.y1};
  if (c.flip_horizontal != (c.quarter_turns == 2 || c.quarter_turns == 3)) b = {width - b.x2, b.y1, width - b.x1, b.y2};
  return b;
}

void change(std::vector<ProposedBox>& proposals, const PixelChange& c) {
  for (ProposedBox& p : proposals) p.box = changed(p.box, c);
  std::erase_if(proposals, [](const ProposedBox& p) { return p.box.width() <= 0 || p.box.height() <= 0; });
}

void flip_horizontal(Sample& s) {
  flip_horizontal(s.instances, size_of(s.image));
  PixelChange flip = whole_image(s.image.height, s.image.width);
  flip.flip_horizontal = true;
  change(s.proposals, flip);
  reverse_columns(s.image);
}

void flip_vertical(Sample& s) {
  flip_vertical(s.instances, size_of(s.image));
  PixelChange flip = whole_image(s.image.height, s.image.width);
  flip.flip_vertical = true;
  change(s.proposals, flip);
  reverse_rows(s.image);
}

void rotate90(Sample& s, int k) {
  k = ((k % 4) + 4) % 4;
  rotate90(s.instances, size_of(s.image), k);
  PixelChange turn = whole_image(s.image.height, s.image.width);
  turn.quarter_turns = k;
  change(s.proposals, turn);
  rotate90(s.image, k);
}

void resize(Sample& s, int height, int width) {
  check_size("resize", height, width);
  check_size("resize", s.image.height, s.image.width);
  resize(s.instances, size_of(s.image), {height, width});
  change(s.proposals, {.window = {0, 0, s.image.height, s.image.width}, .height = height, .width = width});
  if (size_of(s.image) != PixelSize{height, width}) s.image = resized(s.image, height, width);
}

void crop(Sample& s, const Window& w, int height, int width, int min_pixels) {
  check_size("crop", height, width);
  check(w.width > 0 && w.height > 0 && w.x >= 0 && w.y >= 0 && w.x + w.width <= s.image.width && w.y + w.height <= s.image.height,
        "crop: expected a window inside ", s.image.width, "×", s.image.height, ", got ", w.width, "×", w.height, " at (", w.x, ", ", w.y,
        ")");
  crop(s.instances, w, {height, width}, min_pixels);
  change(s.proposals, {.window = w, .height = height, .width = width});
  s.image = cropped(s.image, w, height, width);
}

PixelSize resized_extent(int height, int width, int64_t min_side, int64_t max_side) {
  check(height > 0 && width > 0 && min_side > 0 && max_side > 0, "resize: expected sides of at least 1, got ", width, "×", height, " to ",
        min_side, ", ", max_side);
  const double scale =
      std::min(static_cast<double>(min_side) / std::min(height, width), static_cast<double>(max_side) / std::max(height, width));
  const auto side = [scale](int n) { return std::max(static_cast<int>(std::floor(n * scale)), 1); };
  return {side(height), side(width)};
}

}  // namespace mr
