// Product of two tensors, element by element.
//
//   y = a · b          a, y: one shape, one floating type;  b: as a, or a vector [C] along a's last axis, by which each row is multiplied
//
// Gradient: ∂L/∂a = gy · b, ∂L/∂b = gy · a; of a vector the sum over the rows, in f32
// (f64). Backward keeps a and b.
// By hand: y = x · x at 3 gives 9, and the two gradients of x add up to 2 · 3 = 6.
// Errors: types differ; shapes differ and b is not [C].
#pragma once

#include "autograd/var.h"

namespace mr {

Var multiply(const Var& a, const Var& b);
inline Var operator*(const Var& a, const Var& b) { return multiply(a, b); }

}  // namespace mr
