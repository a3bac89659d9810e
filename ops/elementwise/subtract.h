// Difference of two tensors.
//
//   y = a − b          a, y: one shape, one floating type;  b: as a, or a vector [C] along a's last axis, taken from each of its rows
//
// Gradient: ∂L/∂a = gy, ∂L/∂b = −gy; of a vector the sum over the rows.
// Errors: types differ; shapes differ and b is not [C].
#pragma once

#include "autograd/var.h"

namespace mr {

Var subtract(const Var& a, const Var& b);
inline Var operator-(const Var& a, const Var& b) { return subtract(a, b); }

}  // namespace mr
