#include "ops/each_gpu.h"
#include "ops/elementwise/transpose_rule.h"

namespace mr::gpu {

template void each_row(const char*, int64_t, const TransposeRow<float>&);
template void each_row(const char*, int64_t, const TransposeRow<double>&);
template void each_row(const char*, int64_t, const TransposeRow<bf16>&);

}  // namespace mr::gpu
