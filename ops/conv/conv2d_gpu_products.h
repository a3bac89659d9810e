// Convolution by the vendor's matrix product (tensor/gpu/blas.h):
// what gpu_matmul and gpu_im2col share.
#pragma once

#include "ops/conv/conv2d_gpu_gather.h"
#include "tensor/tensor.h"

namespace mr::gpu {

// Rows of one class, finished, to where they belong:   to[pixel of row row0 + r, o] = finish(sums[r, o])
// sums [rows, to_channels], f32 (f64 for f64); may be `to` itself where they lie in place.
void finish_rows(const GatherShape& s, int number, int row0, const Tensor& sums, const Conv2dFinish& f, const Tensor& to);

}  // namespace mr::gpu
