// Images: flips, bilinear resize, colours.
#include "data/transforms/pixels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/check.h"
#include "data/transforms/transforms.h"

namespace mr {

void reverse_columns(Image& image) {
  for (int y = 0; y < image.height; ++y) {
    uint8_t *a = image.at(y, 0), *b = image.at(y, image.width - 1);
    for (; a < b; a += 3, b -= 3) std::swap_ranges(a, a + 3, b);
  }
}

void reverse_rows(Image& image) {
  const size_t row = static_cast<size_t>(image.width) * 3;
  for (int y = 0; y < image.height / 2; ++y) std::swap_ranges(image.at(y, 0), image.at(y, 0) + row, image.at(image.height - 1 - y, 0));
}

Image transposed(const Image& image) {
  Image t(image.width, image.height);
  uint8_t* to = t.rgb.data();
  for (int x = 0; x < image.width; ++x)
    for (int y = 0; y < image.height; ++y, to += 3) std::memcpy(to, image.at(y, x), 3);
  return t;
}

void rotate90(Image& image, int k) {
  if (k % 2 == 1) image = transposed(image);
  if (k == 1 || k == 2) reverse_rows(image);
  if (k == 2 || k == 3) reverse_columns(image);
}

Taps bilinear_taps(int in, int out) {
  Taps t;
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  for (int j = 0; j < out; ++j) {
    const PixelTap tap = bilinear_tap(scale, in, j);
    t.low.push_back(tap.low);
    t.high.push_back(tap.high);
    t.weight.push_back(tap.weight);
  }
  return t;
}

namespace {

struct FixedTaps {
  std::vector<int> low, step, weight;  // step: from the low to the high one, in elements
};

FixedTaps fixed_taps(int in, int out, int stride) {
  const Taps t = bilinear_taps(in, out);
  FixedTaps f;
  for (size_t j = 0; j < t.low.size(); ++j) {
    f.low.push_back(t.low[j] * stride);
    f.step.push_back((t.high[j] - t.low[j]) * stride);
    f.weight.push_back(fixed_weight(t.weight[j]));
  }
  return f;
}

void interpolate_row(const uint8_t* row, const FixedTaps& taps, uint16_t* to) {
  for (size_t j = 0; j < taps.low.size(); ++j, to += 3) {
    const uint8_t *a = row + taps.low[j], *b = a + taps.step[j];
    const int w = taps.weight[j];
    for (int c = 0; c < 3; ++c) to[c] = along_row(a[c], b[c], w);
  }
}

void blend_rows(const uint16_t* a, const uint16_t* b, int w, size_t n, uint8_t* to) {
  for (size_t i = 0; i < n; ++i) to[i] = between_rows(a[i], b[i], w);
}

}  // namespace

Image cropped(const Image& image, const Window& w, int height, int width) {
  Image out(height, width);
  if (height == w.height && width == w.width) {
    for (int y = 0; y < height; ++y) std::memcpy(out.at(y, 0), image.at(w.y + y, w.x), static_cast<size_t>(width) * 3);
    return out;
  }
  const FixedTaps columns = fixed_taps(w.width, width, 3), rows = fixed_taps(w.height, height, 1);
  const size_t n = static_cast<size_t>(width) * 3;
  std::vector<uint16_t> buffer(2 * n);
  uint16_t* lines[2] = {buffer.data(), buffer.data() + n};  // source row r lies in lines[r % 2]
  int held[2] = {-1, -1};
  const auto line = [&](int r) {
    const int slot = r % 2;
    if (held[slot] != r) interpolate_row(image.at(w.y + r, w.x), columns, lines[slot]);
    held[slot] = r;
    return lines[slot];
  };
  for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
    const uint16_t* low = line(rows.low[y]);
    const uint16_t* high = line(rows.low[y] + rows.step[y]);
    blend_rows(low, high, rows.weight[y], n, out.rgb.data() + y * n);
  }
  return out;
}

Image resized(const Image& image, int height, int width) { return cropped(image, {0, 0, image.height, image.width}, height, width); }

void invert(Image& image) {
  for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(255 - v);
}

// Saturation and hue act on the chroma u ~ B − Y, v ~ R − Y and leave the grey Y alone: each column of the matrix is what becomes of one
// unit vector.
ColourMap colour_map(const ColourChange& change) {
  ColourMap m{};
  const double gain = change.brightness * change.contrast, angle = 2 * std::numbers::pi * change.hue;
  const double cosine = change.saturation * std::cos(angle), sine = change.saturation * std::sin(angle);
  constexpr double kU = 0.492, kV = 0.877, grey_of[3] = {grey_of_red, grey_of_green, grey_of_blue};
  for (int k = 0; k < 3; ++k) {
    const double grey = grey_of[k], u = kU * ((k == 2) - grey), v = kV * ((k == 0) - grey);
    const double blue = (cosine * u - sine * v) / kU, red = (sine * u + cosine * v) / kV;
    m.a[0][k] = static_cast<float>(gain * (grey + red));
    m.a[1][k] = static_cast<float>(gain * (grey - (grey_of_red * red + grey_of_blue * blue) / grey_of_green));
    m.a[2][k] = static_cast<float>(gain * (grey + blue));
  }
  return m;
}

void change_colours(Image& image, const ColourChange& change) {
  check(change.brightness >= 0 && change.contrast >= 0 && change.saturation >= 0, "change_colours: expected factors of at least 0, got ",
        change.brightness, ", ", change.contrast, ", ", change.saturation);
  if (change.none() || image.rgb.empty()) return;
  ColourMap m = colour_map(change);
  if (change.contrast != 1) {
    uint64_t sum[3] = {0, 0, 0};
    for (size_t i = 0; i < image.rgb.size(); i += 3)
      for (size_t c = 0; c < 3; ++c) sum[c] += image.rgb[i + c];
    m.b = grey_shift(change.brightness, change.contrast, mean_grey(sum[0], sum[1], sum[2], static_cast<int64_t>(image.rgb.size() / 3)));
  }
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    uint8_t* p = image.rgb.data() + i;
    const float r = p[0], g = p[1], b = p[2];
    for (int c = 0; c < 3; ++c) p[c] = m.channel(c, r, g, b);
  }
}

Image changed(Image image, const PixelChange& change) {
  const Window& w = change.window;
  const bool whole = w.height == image.height && w.width == image.width;
  if (!whole || change.height != w.height || change.width != w.width) image = cropped(image, w, change.height, change.width);
  rotate90(image, change.quarter_turns);
  if (change.flip_horizontal) reverse_columns(image);
  if (change.flip_vertical) reverse_rows(image);
  change_colours(image, change.colours);
  if (change.invert) invert(image);
  return image;
}

}  // namespace mr
