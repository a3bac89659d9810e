#include "ops/each_gpu.h"
#include "ops/loss/class_masks_rule.h"

namespace mr::gpu {

template void each_row(const char*, int64_t, const ClassMaskRow&);

}  // namespace mr::gpu
