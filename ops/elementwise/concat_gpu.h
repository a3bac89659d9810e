// Columns of a matrix on a GPU (concat.cu). Queued on compute_stream().
#pragma once

#include "tensor/tensor.h"

namespace mr::gpu {

// to[r, to_at + c] = from[r, from_at + c], c < columns; rows of the last axis, one floating type.
void copy_columns(const Tensor& from, int64_t from_at, const Tensor& to, int64_t to_at, int64_t columns);

}  // namespace mr::gpu
