// Conversion between floating types: bf16 activations to f32 where box arithmetic or a loss begins,
// and back.
//
//   y = x in `dtype`, rounded to nearest, ties to even          x, y: any shape, f32, bf16 or f64
//
// Gradient: gx = gy cast back to x's type. A cast to the type that x has returns x itself.
// Errors: x or dtype is not floating.
#pragma once

#include "autograd/var.h"

namespace mr {

Var cast(const Var& x, DType dtype);

}  // namespace mr
