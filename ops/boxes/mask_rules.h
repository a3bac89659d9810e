// What a cell of a mask's target reads, and what a pixel reads from a predicted mask: for either device.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ops/boxes/mask_paste.h"
#include "ops/roi/roi_grid.h"
#include "tensor/hd.h"

namespace mr {

// f(cell, weight) for the cells that bin b reads on an axis of n cells, rising: BinTaps without its lists. A cell's weight is summed in the
// order of the samples; the cell after the last may come too, with weight 0.
template <class F> MR_HD void each_tap(const SampleAxis<float>& axis, int b, int n, const F& f) {
  const float share = 1.0f / static_cast<float>(axis.samples > 0 ? axis.samples : 1);
  const SampleRange range = samples_near_map(axis, b, n);
  int cell = -2;
  float here = 0, next = 0;  // weights of cell and cell + 1
  for (int j = range.first; j < range.last; ++j) {
    const Tap<float> t = bilinear_tap(axis.position(b, j), n, axis.margin);
    if (!t.inside) continue;
    if (t.low != cell) {
      if (cell >= 0) f(cell, here);
      if (cell >= 0 && t.low != cell + 1) f(cell + 1, next);
      here = t.low == cell + 1 ? next : 0;
      next = 0;
      cell = t.low;
    }
    here += t.w_low * share;
    next += t.w_high * share;
  }
  if (cell < 0) return;
  f(cell, here);
  f(cell + 1, next);
}

// What a pixel of one axis of the image reads from a mask with a border of zeros: cells low and low + 1 of m + 2.
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
  int start = 0;             // torchvision: the grown box's first pixel,
  float step = 0;            // and cells a pixel

  MR_HD PasteRead read(int x) const {
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

MR_HD inline PasteAxis accurate_axis(float lo, float hi, int m, int image) {
  PasteAxis axis{PasteRule::accurate, m};
  if (!(hi > lo)) return axis;
  // Beyond a pixel around the box nothing reaches ½.
  const float begin = std::max(std::floor(lo) - 1, 0.0f), end = std::min(std::ceil(hi) + 1, static_cast<float>(image));
  if (!(begin < end)) return axis;
  axis.first = static_cast<int>(begin);
  axis.end = static_cast<int>(end);
  axis.lo = lo;
  axis.length = hi - lo;
  return axis;
}

MR_HD inline PasteAxis torchvision_axis(float lo, float hi, int m, int image) {
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

MR_HD inline PasteAxis paste_axis(PasteRule rule, float lo, float hi, int m, int image) {
  return rule == PasteRule::accurate ? accurate_axis(lo, hi, m, image) : torchvision_axis(lo, hi, m, image);
}

// Whether a pixel of this value is on.
MR_HD inline bool pasted(float value, PasteRule rule, float threshold) {
  return rule == PasteRule::accurate ? value >= threshold : value > threshold;
}

}  // namespace mr
