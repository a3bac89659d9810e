// Rectified linear unit (Nair & Hinton 2010).
//
//   y = max(x, 0), elementwise; NaN stays NaN         x, y: any shape, floating
//
// Gradient: gx = gy where y > 0, else 0 (0 at the kink, as is usual). Backward keeps y, which the
// next layer keeps anyway, not x.
// Errors: x is not floating.
#pragma once

#include "autograd/var.h"

namespace mr {

Var relu(const Var& x);

}  // namespace mr
