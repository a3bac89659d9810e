#include "ops/loss/divisor.h"

#include "ops/loss/loss_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/process_group.h"

namespace mr {

Divisor over_labels(const Tensor& labels, int64_t first, int64_t end, int64_t each) {
  if constexpr (gpu::exists) {
    if (labels.on_gpu()) {
      Divisor there(gpu::count_labels(labels, first, end), static_cast<double>(each));
      process_group().sum(there.count);
      return there;
    }
  }
  const int64_t here = std::ranges::count_if(labels.values<int32_t>(), [&](int32_t k) { return first <= k && k < end; });
  return std::max(sum_of(process_group(), static_cast<double>(here)), 1.0) * static_cast<double>(each);
}

}  // namespace mr
