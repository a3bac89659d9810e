#include "ops/loss/divisor.h"

#include "ops/loss/loss_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {

Divisor over_labels(const Tensor& labels, int64_t first, int64_t end, int64_t each) {
  if constexpr (gpu::exists) {
    if (labels.on_gpu()) return Divisor(gpu::count_labels(labels, first, end), static_cast<double>(each));
  }
  const int64_t rows = std::ranges::count_if(labels.values<int32_t>(), [&](int32_t k) { return first <= k && k < end; });
  return static_cast<double>(std::max<int64_t>(rows, 1) * each);
}

}  // namespace mr
