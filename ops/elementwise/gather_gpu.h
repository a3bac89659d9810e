// gather_rows on a GPU (gather.cu). Queued on compute_stream().
#pragma once

#include "tensor/tensor.h"

namespace mr::gpu {

void gather_rows(const Tensor& x, const Tensor& index, const Tensor& y);
void gather_rows_backward(const Tensor& gy, const Tensor& index, const Tensor& gx);

}  // namespace mr::gpu
