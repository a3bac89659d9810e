// mean on a GPU (mean.cu). Queued on compute_stream().
#pragma once

#include "tensor/tensor.h"

namespace mr::gpu {

void mean(const Tensor& x, const Tensor& y);
void mean_backward(const Tensor& gy, const Tensor& gx);  // gx[i] = gy / n

}  // namespace mr::gpu
