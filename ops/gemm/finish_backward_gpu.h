// ops/gemm/finish_backward.h on a GPU.
#pragma once

#include "ops/gemm/finish_backward.h"

namespace mr::gpu {

FinishGrad finish_backward(const Tensor& gy, const Tensor& y, const Tensor& g, bool want_sums);  // g: where to write it, gy itself perhaps

}  // namespace mr::gpu
