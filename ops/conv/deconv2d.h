// Transposed convolution: the adjoint of conv2d with the same w,
// Σ conv2d(u, w) · v = Σ u · deconv2d(v, w) for all u, v.
//
//   y[n, i·s + p − P, j·s + q − P, o] += x[n,i,j,c] · w[c,p,q,o]        then + b[o], then ReLU
//
//   x [N,H,W,Cin]   w [Cin,kH,kW,Cout]   b [Cout] or undefined   y [N, (H−1)·s − 2P + kH, (W−1)·s − 2P + kW, Cout]
//
// A 2×2 kernel of stride 2 (the mask head) has no overlap: four 1×1 convolutions interleaved.
// Gradient:  with g = gy where y > 0 (gy without relu):   gx = conv2d(g, w)     gw[c,p,q,o] = Σ x[n,i,j,c] g[n, i·s+p−P, …, o]     gb = Σ g
// Types as conv2d. Errors: ranks, channels, an empty output.
#pragma once

#include "autograd/var.h"

namespace mr {

struct Deconv2dOptions {
  int stride = 2, padding = 0;
};

Var deconv2d(const Var& x, const Var& w, const Var& b, const Deconv2dOptions& options = {}, bool relu = false);

}  // namespace mr
