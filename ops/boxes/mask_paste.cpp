#include "ops/boxes/mask_paste.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace mr {
namespace {

// What a row or column of the image reads along one axis of a mask with a border of zeros: the
// cells low and low + 1 of m + 2.
struct PasteRead {
  int low = 0;
  float w_low = 0, w_high = 0;
};

// The pixels [first, end) of one axis that a box can touch, and what they read.
struct PasteAxis {
  PasteRule rule;
  int m;
  int first = 0, end = 0;
  float lo = 0, length = 0;  // accurate: the box
  int start = 0;             // torchvision: the first pixel of the grown box
  float step = 0;            // torchvision: cells a pixel

  PasteRead read(int x) const {
    if (rule == PasteRule::accurate) {
      const float u = (static_cast<float>(x) + 0.5f - lo) / length * static_cast<float>(m) - 0.5f + 1;  // + 1: the border
      const float low = std::floor(u);
      if (!(low >= 0 && low <= static_cast<float>(m))) return {};
      return {static_cast<int>(low), 1 - (u - low), u - low};
    }
    const int n = m + 2;
    const float u = std::max((static_cast<float>(x - start) + 0.5f) * step - 0.5f, 0.0f);
    const int low = std::min(static_cast<int>(u), n - 1);
    const float w = u - static_cast<float>(low);
    if (low == n - 1) return {n - 2, 0, 1};
    return {low, 1 - w, w};
  }
};

PasteAxis accurate_axis(float lo, float hi, int m, int image) {
  PasteAxis axis{PasteRule::accurate, m};
  if (!(hi > lo)) return axis;
  // A pixel that is more than one away from the box has a value below ½.
  const float begin = std::max(std::floor(lo) - 1, 0.0f), end = std::min(std::ceil(hi) + 1, static_cast<float>(image));
  if (!(begin < end)) return axis;
  axis.first = static_cast<int>(begin);
  axis.end = static_cast<int>(end);
  axis.lo = lo;
  axis.length = hi - lo;
  return axis;
}

PasteAxis torchvision_axis(float lo, float hi, int m, int image) {
  PasteAxis axis{PasteRule::torchvision, m};
  const float scale = static_cast<float>(m + 2) / static_cast<float>(m);
  const float half = (hi - lo) * 0.5f * scale, centre = (hi + lo) * 0.5f;
  const float from = std::trunc(centre - half), to = std::trunc(centre + half);
  if (!(std::abs(from) < 1 << 24 && std::abs(to) < 1 << 24)) return axis;
  axis.start = static_cast<int>(from);
  axis.first = std::max(axis.start, 0);
  axis.end = std::min(static_cast<int>(to) + 1, image);
  axis.step = static_cast<float>(m + 2) / static_cast<float>(std::max(static_cast<int>(to) - axis.start + 1, 1));
  return axis;
}

PasteAxis paste_axis(PasteRule rule, float lo, float hi, int m, int image) {
  return rule == PasteRule::accurate ? accurate_axis(lo, hi, m, image) : torchvision_axis(lo, hi, m, image);
}

// Whether a pixel of this value is on.
bool pasted(float value, PasteRule rule, float threshold) { return rule == PasteRule::accurate ? value >= threshold : value > threshold; }

// The part of the image that a box can touch, which cells its rows and columns read, and the mask
// with a border of zeros around it, from which they read.
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
  std::vector<float> lines(static_cast<size_t>(paste.wide) * height);  // [wide,height]: what the rows read in each column
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
