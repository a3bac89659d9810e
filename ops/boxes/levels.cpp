#include "ops/boxes/levels.h"

#include <algorithm>
#include <cmath>

namespace mr {

Tensor assign_levels(const Tensor& rois, int k_min, int k_max, float k0, float s0, float eps) {
  check(rois.defined() && rois.rank() == 2 && (rois.size(1) == 4 || rois.size(1) == 5) && rois.dtype() == DType::f32,
        "assign_levels: rois must be [R,4] or [R,5] f32, got ", rois.defined() ? rois.shape() : Shape{}, " ", rois.dtype());
  check(k_min <= k_max, "assign_levels: expected k_min ≤ k_max, got ", k_min, " and ", k_max);
  const int64_t n = rois.size(0), pitch = rois.size(1);
  const Tensor levels = Tensor::empty({n}, DType::i32);
  const float* box = rois.data<float>() + (pitch - 4);
  for (int64_t r = 0; r < n; ++r, box += pitch) {
    const float side = std::sqrt((box[2] - box[0]) * (box[3] - box[1]));
    const float k = std::floor(k0 + std::log2(side / s0) + eps);
    const auto low = static_cast<float>(k_min), high = static_cast<float>(k_max);
    levels.data<int32_t>()[r] = static_cast<int32_t>(k > low ? std::min(k, high) : low) - k_min;  // −∞ and NaN: the finest
  }
  return levels;
}

}  // namespace mr
