#include "ops/boxes/levels.h"

#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {

Tensor assign_levels(const Tensor& rois, int k_min, int k_max, float k0, float s0, float eps) {
  check(rois.defined() && rois.rank() == 2 && (rois.size(1) == 4 || rois.size(1) == 5) && rois.dtype() == DType::f32,
        "assign_levels: rois must be [R,4] or [R,5] f32, got ", rois.defined() ? rois.shape() : Shape{}, " ", rois.dtype());
  check(k_min <= k_max, "assign_levels: expected k_min ≤ k_max, got ", k_min, " and ", k_max);
  if constexpr (gpu::exists) {
    if (rois.on_gpu()) return gpu::assign_levels(rois, k_min, k_max, k0, s0, eps);
  }
  const int64_t n = rois.size(0), pitch = rois.size(1);
  const Tensor levels = Tensor::empty({n}, DType::i32);
  const float* box = rois.data<float>() + (pitch - 4);
  for (int64_t r = 0; r < n; ++r, box += pitch)
    levels.data<int32_t>()[r] = level_of_box({box[0], box[1], box[2], box[3]}, k_min, k_max, k0, s0, eps);
  return levels;
}

}  // namespace mr
