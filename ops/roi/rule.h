// What an operator does along one axis, as a value that a kernel can be given.
#pragma once

#include "ops/roi/roi_grid.h"

namespace mr {

enum class AxisKind : uint8_t { align, warp, mnc, crop, integral };

struct AxisRule {
  AxisKind kind = AxisKind::align;
  int size = 7;            // P: bins
  int sampling_ratio = 2;  // align (0: adaptive), warp
  bool aligned = false;    // align, integral

  // Where the samples sit: of the box [lo, hi] in pixels,
  // on a map of n cells of 1/scale pixels. Not for an integral.
  template <class A> MR_HD SampleAxis<A> samples(A lo, A hi, A scale, int n) const {
    if (kind == AxisKind::warp) return warp_axis(lo, hi, scale, size, sampling_ratio);
    if (kind == AxisKind::mnc) return mnc_axis(lo, hi, scale, size);
    if (kind == AxisKind::crop) return crop_axis(lo, hi, scale, size, n);
    return align_axis(lo, hi, scale, size, sampling_ratio, aligned);
  }

  template <class A> MR_HD IntegralAxis integral(A lo, A hi, A scale) const {
    return integral_axis(static_cast<double>(lo), static_cast<double>(hi), static_cast<double>(scale), aligned ? 0.5 : 0.0, size);
  }

  // The most samples of a bin, 0 where the box decides.
  int most_samples() const { return kind == AxisKind::integral ? 0 : kind == AxisKind::mnc || kind == AxisKind::crop ? 2 : sampling_ratio; }
};

}  // namespace mr
