#include "ops/roi/crop_and_resize.h"

#include "ops/roi/roi_samples.h"

namespace mr {

Var crop_and_resize(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
                    const CropAndResizeOptions& o) {
  return sample_rois("crop_and_resize", {maps, strides, rois, levels}, o.reduce, {.kind = AxisKind::crop, .size = o.size});
}

}  // namespace mr
