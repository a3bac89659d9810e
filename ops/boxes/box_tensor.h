// Tensors of boxes: a row of four f32 is x1, y1, x2, y2 in continuous image coordinates
// (geometry/box.h). What is here checks tensors and gives their memory.
#pragma once

#include <cstdint>
#include <type_traits>

#include "geometry/box.h"
#include "tensor/tensor.h"

namespace mr {

static_assert(sizeof(Box) == 4 * sizeof(float));

// Error: "op: what must be [2, 3] i32, got …"
void check_tensor(const Tensor& t, const Shape& shape, DType dtype, const char* op, const char* what);

// The tensors of an operator as pointers to their memory, which is all on one device.
//
//   const Operands of("take", x.device());
//   const auto* index = of.as<int32_t>(chosen, "index", {N, k});      // checks type, shape and device
//   const Box* boxes = of.as<Box>(x, "x", {N, M, 4});
class Operands {
 public:
  Operands(const char* op, Device device) : op_(op), device_(device) {}

  template <class T> T* as(const Tensor& t, const char* what, const Shape& shape) const {
    using Element = std::conditional_t<std::is_same_v<T, Box>, float, T>;
    check_tensor(t, shape, dtype_of<Element>(), op_, what);
    if (device_.type == DeviceType::cpu) return reinterpret_cast<T*>(t.data<Element>());
    auto* const p = t.device_data<Element>();
    check(reinterpret_cast<uintptr_t>(p) % sizeof(T) == 0, op_, ": ", what, " must begin at a multiple of ", sizeof(T), " bytes");
    return reinterpret_cast<T*>(p);  // a box is four neighbours, which a thread moves at once
  }
  Box* boxes(const Tensor& t, const char* what) const;  // [N,4] f32, whatever N.  Error: "op: what must be [N,4] f32, got …"
  // null where the tensor is undefined
  template <class T> T* optional(const Tensor& t, const char* what, const Shape& shape) const {
    return t.defined() ? as<T>(t, what, shape) : nullptr;
  }

 private:
  const char* op_;
  Device device_;
};

}  // namespace mr
