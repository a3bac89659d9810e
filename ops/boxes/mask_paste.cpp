#include "ops/boxes/mask_paste.h"

#include <algorithm>

#include "base/check.h"
#include "ops/boxes/mask_rules.h"

namespace mr {
namespace {

// The part of the image that a box can touch, what its pixels read, and the mask in its border of zeros, which they read from.
struct Paste {
  PasteAxis down, across;
  std::vector<PasteRead> rows, columns;
  int wide;                   // m + 2
  std::vector<float> padded;  // [wide·wide]

  Paste(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule) : wide(m + 2) {
    check(m >= 1 && m <= 1 << 12, "paste_mask: m must be 1 … 4096, got ", m);
    check(image_h > 0 && image_w > 0, "paste_mask: the image must have pixels, got ", image_h, "×", image_w);
    down = paste_axis(rule, box.y1, box.y2, m, image_h);
    across = paste_axis(rule, box.x1, box.x2, m, image_w);
    rows = reads_of(down);
    columns = reads_of(across);
    padded.assign(static_cast<size_t>(wide) * static_cast<size_t>(wide), 0.0f);
    for (int y = 0; y < m; ++y) std::copy_n(mask + y * m, m, padded.data() + (y + 1) * wide + 1);
  }
  bool empty() const { return rows.empty() || columns.empty(); }

  // What row y of the image reads in column x of the padded mask.
  float between_rows(const PasteRead& y, int x) const {
    const float* top = padded.data() + y.low * wide + x;
    return y.w_low * top[0] + y.w_high * top[wide];
  }

 private:
  static std::vector<PasteRead> reads_of(const PasteAxis& axis) {
    std::vector<PasteRead> reads;
    for (int x = axis.first; x < axis.end; ++x) reads.push_back(axis.read(x));
    return reads;
  }
};

}  // namespace

SoftMask paste_values(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule) {
  const Paste paste(mask, m, box, image_h, image_w, rule);
  SoftMask out;
  if (paste.empty()) return out;
  out.x0 = paste.across.first;
  out.y0 = paste.down.first;
  out.height = static_cast<int>(paste.rows.size());
  out.width = static_cast<int>(paste.columns.size());
  out.values.resize(paste.rows.size() * paste.columns.size());
  std::vector<float> line(static_cast<size_t>(paste.wide));
  float* value = out.values.data();
  for (const PasteRead& y : paste.rows) {
    for (int x = 0; x < paste.wide; ++x) line[static_cast<size_t>(x)] = paste.between_rows(y, x);
    for (const PasteRead& x : paste.columns) *value++ = x.w_low * line[x.low] + x.w_high * line[x.low + 1];
  }
  return out;
}

CroppedMask paste_mask(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule, float threshold) {
  const SoftMask soft = paste_values(mask, m, box, image_h, image_w, rule);
  CroppedMask out{image_h, image_w, soft.x0, soft.y0, Bitmap(soft.height, soft.width)};
  for (size_t i = 0; i < soft.values.size(); ++i) out.bits.pixels[i] = pasted(soft.values[i], rule, threshold);
  return out;
}

Rle paste_rle(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule, float threshold) {
  const Paste paste(mask, m, box, image_h, image_w, rule);
  RleWriter out(image_h, image_w);
  if (paste.empty()) return out.finish();
  const size_t height = paste.rows.size();
  std::vector<float> lines(static_cast<size_t>(paste.wide) * height);  // of each column of the padded mask, what the rows read there
  for (int x = 0; x < paste.wide; ++x)
    for (size_t y = 0; y < height; ++y) lines[static_cast<size_t>(x) * height + y] = paste.between_rows(paste.rows[y], x);
  std::vector<uint8_t> on(height);
  auto column = static_cast<uint32_t>(paste.across.first);
  for (const PasteRead& x : paste.columns) {
    const float *low = lines.data() + static_cast<size_t>(x.low) * height, *high = low + height;
    for (size_t y = 0; y < height; ++y) on[y] = pasted(x.w_low * low[y] + x.w_high * high[y], rule, threshold);
    const uint32_t top = column++ * static_cast<uint32_t>(image_h) + static_cast<uint32_t>(paste.down.first);
    for (auto begin = on.begin(); (begin = std::find(begin, on.end(), 1)) != on.end();) {
      const auto end = std::find(begin, on.end(), 0);
      out.ones(top + static_cast<uint32_t>(begin - on.begin()), top + static_cast<uint32_t>(end - on.begin()));
      begin = end;
    }
  }
  return out.finish();
}

}  // namespace mr
