#include "ops/boxes/levels.h"

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/rows.h"
#include "ops/each.h"

namespace mr {

Tensor assign_levels(const Tensor& rois, int k_min, int k_max, float k0, float s0, float eps) {
  check(rois.defined() && rois.rank() == 2 && (rois.size(1) == 4 || rois.size(1) == 5) && rois.dtype() == DType::f32,
        "assign_levels: rois must be [R,4] or [R,5] f32, got ", rois.defined() ? rois.shape() : Shape{}, " ", rois.dtype());
  check(k_min <= k_max, "assign_levels: expected k_min ≤ k_max, got ", k_min, " and ", k_max);
  const Operands of("assign_levels", rois.device());
  const int64_t R = rois.size(0), width = rois.size(1);
  const Tensor level = Tensor::empty({R}, DType::i32, rois.device());
  each_row("assign_levels", rois.device(), R,
           LevelRow{of.as<float>(rois, "rois", {R, width}), width, k_min, k_max, k0, s0, eps, of.as<int32_t>(level, "level", {R})});
  return level;
}

}  // namespace mr
