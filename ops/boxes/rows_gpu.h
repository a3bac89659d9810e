// The tensors of boxes_gpu.h as the pointers that kernels take, checked.
#pragma once

#include <cstdint>

#include "geometry/box.h"
#include "ops/boxes/box_tensor.h"
#include "tensor/gpu/dim.h"
#include "tensor/tensor.h"

namespace mr::gpu {

constexpr int64_t blocks_of(int64_t n, int64_t block) { return (n + block - 1) / block; }

template <class T> T* checked_data(const Tensor& t, const char* op, const char* what, const Shape& shape) {
  check_tensor(t, shape, dtype_of<T>(), op, what);
  return t.device_data<T>();
}

// null where the tensor is undefined
template <class T> T* optional_data(const Tensor& t, const char* op, const char* what, const Shape& shape) {
  return t.defined() ? checked_data<T>(t, op, what, shape) : nullptr;
}

// Four neighbours are a box, which a thread moves at once.
inline Box* checked_boxes(const Tensor& t, const char* op, const char* what, const Shape& shape) {
  auto* p = checked_data<float>(t, op, what, shape);
  check(reinterpret_cast<uintptr_t>(p) % sizeof(Box) == 0, op, ": ", what, " must begin at a multiple of 16 bytes");
  return reinterpret_cast<Box*>(p);
}

// Boxes [N,B,4], or [B,4] that all N images share: image n's begin at boxes + n·pitch.
struct SharedBoxes {
  Box* boxes;
  int64_t pitch;
  int rows;
};
inline SharedBoxes shared_boxes(const Tensor& t, int64_t images, const char* op, const char* what) {
  check(t.defined() && (t.rank() == 2 || t.rank() == 3), op, ": ", what, " must be [N,B,4] or [B,4] f32, got ",
        t.defined() ? t.shape() : Shape{});
  const int64_t rows = t.size(t.rank() - 2);
  const Shape shape = t.rank() == 2 ? Shape{rows, 4} : Shape{images, rows, 4};
  return {checked_boxes(t, op, what, shape), t.rank() == 2 ? 0 : rows, static_cast<int>(rows)};
}

}  // namespace mr::gpu
