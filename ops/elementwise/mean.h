// The mean of all elements: what a loss ends with.
//
//   y = 1/n · Σ x[i]          x: any shape with n ≥ 1 elements, floating;  y: [1], f32 (f64 for f64)
//
// Summed in f64, in an order that n alone decides. Gradient: gx[i] = gy/n.
// Errors: x is not floating, or has no elements: there is no mean of nothing.
#pragma once

#include "autograd/var.h"

namespace mr {

Var mean(const Var& x);

}  // namespace mr
