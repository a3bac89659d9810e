#include "ops/boxes/mask_paste.h"

#include <algorithm>

#include "base/check.h"
#include "ops/boxes/mask_rules.h"

namespace mr {
namespace {

std::vector<PasteRead> reads_of(const PasteAxis& axis) {
  std::vector<PasteRead> reads;
  for (int x = axis.first; x < axis.end; ++x) reads.push_back(axis.read(x));
  return reads;
}

}  // namespace

SoftMask paste_values(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule) {
  check(m >= 1 && m <= 1 << 12, "paste_mask: m must be 1 … 4096, got ", m);
  check(image_h > 0 && image_w > 0, "paste_mask: the image must have pixels, got ", image_h, "×", image_w);
  const PasteAxis down = paste_axis(rule, box.y1, box.y2, m, image_h), across = paste_axis(rule, box.x1, box.x2, m, image_w);
  const std::vector<PasteRead> rows = reads_of(down), columns = reads_of(across);
  SoftMask out;
  if (rows.empty() || columns.empty()) return out;
  out.x0 = across.first;
  out.y0 = down.first;
  out.height = static_cast<int>(rows.size());
  out.width = static_cast<int>(columns.size());
  out.values.resize(rows.size() * columns.size());

  const int wide = m + 2;
  std::vector<float> padded(wide * wide, 0.0f), line(wide);
  for (int y = 0; y < m; ++y) std::copy_n(mask + y * m, m, padded.data() + (y + 1) * wide + 1);
  float* value = out.values.data();
  for (const PasteRead& y : rows) {
    const float *top = padded.data() + y.low * wide, *bottom = top + wide;
    for (int x = 0; x < wide; ++x) line[x] = y.w_low * top[x] + y.w_high * bottom[x];
    for (const PasteRead& x : columns) *value++ = x.w_low * line[x.low] + x.w_high * line[x.low + 1];
  }
  return out;
}

CroppedMask paste_mask(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule, float threshold) {
  const SoftMask soft = paste_values(mask, m, box, image_h, image_w, rule);
  CroppedMask out{image_h, image_w, soft.x0, soft.y0, Bitmap(soft.height, soft.width)};
  for (size_t i = 0; i < soft.values.size(); ++i) out.bits.pixels[i] = pasted(soft.values[i], rule, threshold);
  return out;
}

}  // namespace mr
