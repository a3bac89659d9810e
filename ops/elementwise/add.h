// Sum of two tensors.
//
//   y = a + b          a, y: one shape, one floating type;  b: as a, or a vector [C] along a's last axis, added to each of its rows
//
// Gradient: ∂L/∂a = ∂L/∂b = gy, passed on without a copy; of a vector the sum of gy over the rows.
// Errors: types differ; shapes differ and b is not [C].
// A convolution adds its bias itself (ops/conv/conv2d.h).
#pragma once

#include "autograd/var.h"

namespace mr {

Var add(const Var& a, const Var& b);
inline Var operator+(const Var& a, const Var& b) { return add(a, b); }

}  // namespace mr
