// Pooling on a GPU (max_pool.cu, avg_pool.cu). Queued on compute_stream().
#pragma once

#include "ops/pool/window.h"
#include "tensor/tensor.h"

namespace mr::gpu {

// y and, where it is defined, place (u8, as y) of max_pool2d; and the gradient from them.
void max_pool2d(const Tensor& x, const PoolWindow<int64_t>& window, const Tensor& y, const Tensor& place);
void max_pool2d_backward(const Tensor& gy, const Tensor& place, const PoolWindow<int64_t>& window, const Tensor& gx);

void global_average_pool(const Tensor& x, const Tensor& y);
void global_average_pool_backward(const Tensor& gy, const Tensor& gx);

}  // namespace mr::gpu
