#include "ops/roi/roi_warp.h"

#include "ops/roi/roi_samples.h"

namespace mr {

Var roi_warp(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
             const RoIWarpOptions& o) {
  check(o.sampling_ratio >= 1 && o.sampling_ratio <= 64, "roi_warp: sampling_ratio must be 1 … 64, got ", o.sampling_ratio);
  return sample_rois(
      "roi_warp", {maps, strides, rois, levels}, o.reduce,
      {.kind = o.variant == WarpVariant::paper ? AxisKind::warp : AxisKind::mnc, .size = o.size, .sampling_ratio = o.sampling_ratio});
}

}  // namespace mr
