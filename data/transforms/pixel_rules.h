// What one pixel is worth after each step, for either device.
#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/hd.h"

namespace mr {

// Where output j of a bilinear resize comes from: y[j] = (1 − weight)·x[low] + weight·x[high], all in f32, as torch 2.15 does it for three
// channels: src = scale·(j + ½) − ½ in one rounding (at 1,200 pixels a second one would move it by 1e-4), scale = in/out.
struct PixelTap {
  int low, high;
  float weight;
};
MR_HD inline PixelTap bilinear_tap(float scale, int in, int j) {
  const float position = std::fma(scale, static_cast<float>(j) + 0.5f, -0.5f), src = position > 0 ? position : 0.0f;
  const int at = static_cast<int>(src), low = at < in - 1 ? at : in - 1;
  const float weight = src - static_cast<float>(low);
  return {low, low + 1 < in ? low + 1 : in - 1, weight < 1 ? weight : 1.0f};
}

// u8 in, u8 out: weights of 8 bits. A row interpolated along x has 16 bits; two of them make a row of the output.
constexpr int weight_bits = 8, weight_one = 1 << weight_bits;
MR_HD inline int fixed_weight(float weight) { return static_cast<int>(std::lround(weight * weight_one)); }
MR_HD inline uint16_t along_row(uint8_t a, uint8_t b, int w) { return static_cast<uint16_t>(a * (weight_one - w) + b * w); }
MR_HD inline uint8_t between_rows(uint16_t a, uint16_t b, int w) {
  constexpr uint32_t half = 1u << (2 * weight_bits - 1);
  return static_cast<uint8_t>((a * static_cast<uint32_t>(weight_one - w) + b * static_cast<uint32_t>(w) + half) >> (2 * weight_bits));
}

// y = A·x + b, rounded and clamped.
struct ColourMap {
  float a[3][3];
  float b = 0;
  MR_HD uint8_t channel(int c, float red, float green, float blue) const {
    const float v = a[c][0] * red + a[c][1] * green + a[c][2] * blue + b, low = v > 0 ? v : 0.0f;
    return static_cast<uint8_t>((low < 255.0f ? low : 255.0f) + 0.5f);
  }
};

// The mean of 0.299 R + 0.587 G + 0.114 B, from the sums of a picture's channels.
constexpr double grey_of_red = 0.299, grey_of_green = 0.587, grey_of_blue = 0.114;
MR_HD inline double mean_grey(uint64_t red, uint64_t green, uint64_t blue, int64_t pixels) {
  const double sum =
      grey_of_red * static_cast<double>(red) + grey_of_green * static_cast<double>(green) + grey_of_blue * static_cast<double>(blue);
  return sum / static_cast<double>(pixels);
}

// What contrast adds to every channel.
MR_HD inline float grey_shift(double brightness, double contrast, double mean) {
  return static_cast<float>((1 - contrast) * brightness * mean);
}

// The network's value of a channel that holds v; channel c is byte from[c] of the pixel.
struct Normalisation {
  float mean[3], std[3];
  int from[3];
  bool unit;
  MR_HD float operator()(int c, uint8_t v) const {
    const float x = unit ? static_cast<float>(v) / 255.0f : static_cast<float>(v);
    return (x - mean[c]) / std[c];
  }
};

}  // namespace mr
