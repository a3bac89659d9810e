#include "ops/roi/roi_align.h"

#include "ops/roi/roi_samples.h"

namespace mr {

Var roi_align(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
              const RoIAlignOptions& o) {
  check(o.sampling_ratio >= 0 && o.sampling_ratio <= 64, "roi_align: sampling_ratio must be 0 (adaptive) … 64, got ", o.sampling_ratio);
  return sample_rois("roi_align", {maps, strides, rois, levels}, o.reduce,
                     {.kind = AxisKind::align, .size = o.size, .sampling_ratio = o.sampling_ratio, .aligned = o.aligned});
}

}  // namespace mr
