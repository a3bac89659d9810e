#include "ops/boxes/mask_paste.h"

#include <algorithm>
#include <cmath>

#include "tensor/check.h"

namespace mr {
namespace {

// What a pixel of one axis of the image reads from a mask with a border of zeros: cells low and low + 1 of m + 2.
struct Read {
  int low = 0;
  float w_low = 0, w_high = 0;
};

struct Axis {
  int first = 0;            // pixel
  std::vector<Read> reads;  // of pixels first, first + 1, …
};

Axis accurate_axis(float lo, float hi, int m, int image) {
  Axis axis;
  if (!(hi > lo)) return axis;
  // Beyond a pixel around the box nothing reaches ½.
  const float begin = std::max(std::floor(lo) - 1, 0.0f), end = std::min(std::ceil(hi) + 1, static_cast<float>(image));
  if (!(begin < end)) return axis;
  axis.first = static_cast<int>(begin);
  for (int x = axis.first; x < static_cast<int>(end); ++x) {
    const float u = (static_cast<float>(x) + 0.5f - lo) / (hi - lo) * static_cast<float>(m) - 0.5f + 1;  // + 1: the border
    const float low = std::floor(u);
    Read read;
    if (low >= 0 && low <= static_cast<float>(m)) read = {static_cast<int>(low), 1 - (u - low), u - low};
    axis.reads.push_back(read);
  }
  return axis;
}

Axis torchvision_axis(float lo, float hi, int m, int image) {
  Axis axis;
  const float scale = static_cast<float>(m + 2) / static_cast<float>(m);
  const float half = (hi - lo) * 0.5f * scale, centre = (hi + lo) * 0.5f;
  const float from = std::trunc(centre - half), to = std::trunc(centre + half);
  if (!(std::abs(from) < 1 << 24 && std::abs(to) < 1 << 24)) return axis;
  const int start = static_cast<int>(from), length = std::max(static_cast<int>(to) - start + 1, 1);
  axis.first = std::max(start, 0);
  const int end = std::min(static_cast<int>(to) + 1, image), n = m + 2;
  const float step = static_cast<float>(n) / static_cast<float>(length);
  for (int x = axis.first; x < end; ++x) {
    const float u = std::max((static_cast<float>(x - start) + 0.5f) * step - 0.5f, 0.0f);
    const int low = std::min(static_cast<int>(u), n - 1);
    const float w = u - static_cast<float>(low);
    axis.reads.push_back(low == n - 1 ? Read{n - 2, 0, 1} : Read{low, 1 - w, w});
  }
  return axis;
}

}  // namespace

SoftMask paste_values(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule) {
  check(m >= 1 && m <= 1 << 12, "paste_mask: m must be 1 … 4096, got ", m);
  check(image_h > 0 && image_w > 0, "paste_mask: the image must have pixels, got ", image_h, "×", image_w);
  const auto axis = rule == PasteRule::accurate ? accurate_axis : torchvision_axis;
  const Axis down = axis(box.y1, box.y2, m, image_h), across = axis(box.x1, box.x2, m, image_w);
  SoftMask out;
  if (down.reads.empty() || across.reads.empty()) return out;
  out.x0 = across.first;
  out.y0 = down.first;
  out.height = static_cast<int>(down.reads.size());
  out.width = static_cast<int>(across.reads.size());
  out.values.resize(down.reads.size() * across.reads.size());

  const int wide = m + 2;
  std::vector<float> padded(wide * wide, 0.0f), line(wide);
  for (int y = 0; y < m; ++y) std::copy_n(mask + y * m, m, padded.data() + (y + 1) * wide + 1);
  float* value = out.values.data();
  for (const Read& y : down.reads) {
    const float *top = padded.data() + y.low * wide, *bottom = top + wide;
    for (int x = 0; x < wide; ++x) line[x] = y.w_low * top[x] + y.w_high * bottom[x];
    for (const Read& x : across.reads) *value++ = x.w_low * line[x.low] + x.w_high * line[x.low + 1];
  }
  return out;
}

CroppedMask paste_mask(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule, float threshold) {
  const SoftMask soft = paste_values(mask, m, box, image_h, image_w, rule);
  CroppedMask out{image_h, image_w, soft.x0, soft.y0, Bitmap(soft.height, soft.width)};
  const bool inclusive = rule == PasteRule::accurate;
  for (size_t i = 0; i < soft.values.size(); ++i) out.bits.pixels[i] = inclusive ? soft.values[i] >= threshold : soft.values[i] > threshold;
  return out;
}

}  // namespace mr
