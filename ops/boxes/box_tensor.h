// Tensors of boxes: a row of four f32 is x1, y1, x2, y2 in continuous image coordinates
// (geometry/box.h). These functions check a tensor, and give its values on the CPU.
#pragma once

#include <span>

#include "geometry/box.h"
#include "tensor/tensor.h"

namespace mr {

static_assert(sizeof(Box) == 4 * sizeof(float));

// Error: "op: what must be [2, 3] i32, got …"
void check_tensor(const Tensor& t, const Shape& shape, DType dtype, const char* op, const char* what);

// [N,4] f32 as boxes.  Error: "op: what must be [N,4] f32, got …"
std::span<Box> as_boxes(const Tensor& t, const char* op, const char* what);

// Image n's boxes of a list [N,room,4], or of boxes [B,4] that all images share.
std::span<const Box> boxes_of_image(const Tensor& boxes, int64_t n);

// Image n's row of x [N,room].
template <class T> std::span<const T> row_of_image(const Tensor& x, int64_t n) {
  return {x.data<T>() + n * x.size(1), static_cast<size_t>(x.size(1))};
}

}  // namespace mr
