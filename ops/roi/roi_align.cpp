#include "ops/roi/roi_align.h"

#include "ops/roi/roi_samples.h"

namespace mr {

void RoIAlignOptions::visit(OptionVisitor& v) const {
  v.field("size", size);
  v.field("sampling_ratio", sampling_ratio);
  v.field("aligned", aligned);
  v.field("reduce", reduce == Reduce::mean ? "mean" : "max");
}

Var roi_align(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
              const RoIAlignOptions& o) {
  check(o.sampling_ratio >= 0 && o.sampling_ratio <= 64, "roi_align: sampling_ratio must be 0 (adaptive) … 64, got ", o.sampling_ratio);
  return sample_rois("roi_align", [o](OptionVisitor& v) { o.visit(v); }, {maps, strides, rois, levels}, o.reduce,
                     {.kind = AxisKind::align, .size = o.size, .sampling_ratio = o.sampling_ratio, .aligned = o.aligned});
}

}  // namespace mr
