// Max pooling over windows of a map.
//
//   y[n,i,j,c] = max over 0 ≤ u,v < size of x[n, i·stride − padding + u, j·stride − padding + v, c]      (pixels outside are not looked at)
//
//   x: [N,H,W,C] floating   y: [N,H',W',C],  H' = ⌊(H + 2·padding − size)/stride⌋ + 1
//
// ResNet's stem uses 3×3, stride 2, padding 1; FPN's P6 is 1×1, stride 2 of P5.
// Of equal values the first in row-major order is the maximum; a NaN in the window is the result.
// Gradient: gy goes to the maximum's pixel. Kept for it: one byte an output, the place u·size + v
// of the maximum. Each pixel of gx gathers from the windows that hold it, in fixed order.
// Errors: x not of rank 4 or not floating; size outside 1…15; stride < 1; padding outside 0…size/2;
// a map smaller than the window.
#pragma once

#include "autograd/var.h"

namespace mr {

struct MaxPoolOptions {
  int size = 3;
  int stride = 2;
  int padding = 1;
};

Var max_pool2d(const Var& x, const MaxPoolOptions& options = {});

}  // namespace mr
