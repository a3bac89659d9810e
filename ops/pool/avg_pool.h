// Global average pooling: a map becomes one vector (Lin et al. 2013;
// the end of ResNet, and of the C4 box head).
//
//   y[n,c] = 1/(H·W) · Σ_h Σ_w x[n,h,w,c]          x: [N,H,W,C] floating   y: [N,C]
//
// Summed in f32 (f64), row by row and then the rows. Gradient: gx[n,h,w,c] = gy[n,c] / (H·W).
// Errors: x not of rank 4 or not floating; a map without pixels.
#pragma once

#include "autograd/var.h"

namespace mr {

Var global_average_pool(const Var& x);

}  // namespace mr
