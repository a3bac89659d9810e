// Convolution on a GPU: its rungs (the table is in conv2d_rungs.cpp)
// and the small things around them. All of it is queued.
#pragma once

#include "ops/conv/conv2d_rungs.h"
#include "ops/conv/conv2d_sparse.h"
#include "tensor/gpu/built.h"

namespace mr::gpu {

// As in ops/conv/conv2d.cpp; scale or shift may be undefined. All of one type.
Tensor folded_shift(const Tensor& bias, const Tensor& scale, const Tensor& shift);
Tensor scaled_rows(const Tensor& t, const Tensor& scale);

// conv2d_sparse.h; c is the case, gx may be undefined.
Conv2dGrads conv2d_sparse_backward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dSparse& sparse, bool want_gx,
                                   bool want_gw, const Tensor& gx);
// cell [R] i32 where level [R] is the one that is wanted, −1 elsewhere.
Tensor cells_of_level(const Tensor& level, const Tensor& cell, int32_t wanted);

// The rungs' entries, each at the end of its own file.
extern const Conv2dRung conv2d_gpu_reference, conv2d_gpu_tiled, conv2d_gpu_matrix, conv2d_gpu_im2col, conv2d_gpu_matmul,
    conv2d_gpu_implicit;

// gpu_implicit with a tile of one's choice, for tests and measurements.
enum class ImplicitTile : uint8_t { by_shape, small, large };
Tensor implicit_forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f, ImplicitTile tile);
Tensor implicit_data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f, ImplicitTile tile);
Tensor implicit_weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy, ImplicitTile tile);

}  // namespace mr::gpu
