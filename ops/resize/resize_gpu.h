// Resizing on a GPU (nearest.cu, bilinear.cu). Queued on compute_stream().
#pragma once

#include "ops/resize/sizes.h"
#include "tensor/tensor.h"

namespace mr::gpu {

void upsample_nearest(const Tensor& x, const NearestSizes<int64_t>& sizes, const Tensor& y);
void add_upsampled(const Tensor& lateral, const Tensor& coarse, const NearestSizes<int64_t>& sizes, const Tensor& y);
void upsample_nearest_backward(const Tensor& gy, const NearestSizes<int64_t>& sizes, const Tensor& gx);

void resize_bilinear(const Tensor& x, const Tensor& y);
void resize_bilinear_backward(const Tensor& gy, const Tensor& gx);

}  // namespace mr::gpu
