// Logistic function: a score in (−∞, ∞) becomes a probability.
//
//   y = 1 / (1 + e^−x), elementwise, computed from e^−|x| so that it never overflows         x, y: any shape, floating
//
// Gradient: gx = gy · y (1 − y). Backward keeps y.
// For a loss take the logits instead (ops/loss/sigmoid_bce.h):
// log(sigmoid(x)) loses all digits for x ≪ 0.
// Errors: x is not floating.
#pragma once

#include "autograd/var.h"

namespace mr {

Var sigmoid(const Var& x);

}  // namespace mr
