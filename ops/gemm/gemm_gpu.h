// The layers that are matrix products, on a GPU (linear.cu, class_linear.cu,
// finish_backward.cu). Queued on compute_stream().
#pragma once

#include "tensor/tensor.h"

namespace mr::gpu {

// y [M,N] = relu?(x [M,K] · wᵀ + b)     w [N,K], b [N] or undefined, all of one type
void linear(const Tensor& x, const Tensor& w, const Tensor& b, bool relu, const Tensor& y);
void linear_input_gradient(const Tensor& g, const Tensor& w, const Tensor& gx);   // gx [M,K] = g [M,N] · w
void linear_weight_gradient(const Tensor& g, const Tensor& x, const Tensor& gw);  // gw [N,K] = gᵀ · x; f32 (f64)

// g = gy where y > 0, else 0 (y undefined: gy; g may be gy), and, unless null,
// their sums over all axes but the last.
void finish_backward(const Tensor& gy, const Tensor& y, const Tensor& g, Tensor* sums);

// As ops/gemm/class_linear.h. gx may be undefined.
void class_linear(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& labels, const Tensor& y);
void class_linear_backward(const Tensor& x, const Tensor& w, const Tensor& labels, const Tensor& gy, const Tensor& gx, const Tensor& gw,
                           const Tensor& gb);

}  // namespace mr::gpu
