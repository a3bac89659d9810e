// Sum of two tensors.
//
//   y = a + b          a, b, y: one shape, one floating type
//
// Gradient: ∂L/∂a = ∂L/∂b = gy, passed on without a copy.
// Errors: shapes or types differ. There is no broadcasting: a bias belongs to the convolution that makes the map.
#pragma once

#include "autograd/var.h"

namespace mr {

Var add(const Var& a, const Var& b);
inline Var operator+(const Var& a, const Var& b) { return add(a, b); }

}  // namespace mr
