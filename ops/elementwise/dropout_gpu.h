// dropout on a GPU (dropout.cu). Queued on compute_stream().
#pragma once

#include "ops/elementwise/dropout_rule.h"
#include "tensor/tensor.h"

namespace mr::gpu {

void dropout(const DropoutRule& rule, const Tensor& x, const Tensor& y);

}  // namespace mr::gpu
