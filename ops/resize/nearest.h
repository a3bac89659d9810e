// Nearest-neighbour resizing, and FPN's top-down sum made with it (Lin et al. 2017, Fig. 3).
//
//   upsample_nearest   y[n,i,j,c] = x[n, ⌊i·H/H'⌋, ⌊j·W/W'⌋, c]              x: [N,H,W,C] floating   y: [N,H',W',C]
//   add_upsampled      y = lateral + upsample_nearest(coarse, H', W')        lateral, y: [N,H',W',C]   coarse: [N,H,W,C]
//
// Despite the name the target may be smaller. Indices are exact integers
// (torch's mode 'nearest' computes them in f32).
// add_upsampled reads both and writes once: the upsampled map never exists.
// Gradient: each pixel of x sums the gy of its own block of pixels, rows ⌈h·H'/H⌉ …
// ⌈(h+1)·H'/H⌉ − 1, in order; lateral gets gy.
// Errors: not of rank 4, not floating, a map or target without pixels;
// lateral and coarse of another type, N or C.
#pragma once

#include "autograd/var.h"

namespace mr {

Var upsample_nearest(const Var& x, int out_h, int out_w);
Var add_upsampled(const Var& lateral, const Var& coarse);

}  // namespace mr
