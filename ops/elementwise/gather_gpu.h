// gather_rows on a GPU (gather.cu). Queued on compute_stream().
#pragma once

#include "tensor/tensor.h"

namespace mr::gpu {

void gather_rows(const Tensor& x, const Tensor& index, const Tensor& y);
void gather_rows_backward(const Tensor& gy, const Tensor& index, const Tensor& gx);

// For each of `rows` rows, which entries of a list name it (index [R], i32 or i64;
// what names no row is passed over).
struct Readers {
  Tensor first;  // [rows] i32: the first that does; undefined where none does
  Tensor count;  // [rows] i32
};
Readers readers(const Tensor& index, int64_t rows);

// f(const I* index) with the type that the list has.
template <class F> void with_index(const Tensor& index, F&& f) {
  if (index.dtype() == DType::i64)
    f(static_cast<const int64_t*>(index.device_data<int64_t>()));
  else
    f(static_cast<const int32_t*>(index.device_data<int32_t>()));
}

}  // namespace mr::gpu
