// Multiplication by a constant: a loss weight, 1/images.
//
//   y = factor · x          x, y: any shape, floating
//
// Gradient: gx = factor · gy.
// Errors: x is not floating.
#pragma once

#include "autograd/var.h"

namespace mr {

Var scale(const Var& x, double factor);

}  // namespace mr
