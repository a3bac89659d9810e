#include "ops/roi/crop_and_resize.h"

#include "ops/roi/roi_samples.h"

namespace mr {

void CropAndResizeOptions::visit(OptionVisitor& v) const {
  v.field("size", size);
  v.field("reduce", reduce == Reduce::mean ? "mean" : "max");
}

Var crop_and_resize(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
                    const CropAndResizeOptions& o) {
  return sample_rois("crop_and_resize", [o](OptionVisitor& v) { o.visit(v); }, {maps, strides, rois, levels}, o.reduce,
                     {.kind = AxisKind::crop, .size = o.size});
}

}  // namespace mr
