#include "ops/roi/precise_roi_pool.h"

#include "ops/roi/roi_filter.h"

namespace mr {

Var precise_roi_pool(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
                     const PreciseRoIPoolOptions& o) {
  return filter_rois("precise_roi_pool", {maps, strides, rois, levels}, {.kind = AxisKind::integral, .size = o.size, .aligned = o.aligned});
}

}  // namespace mr
