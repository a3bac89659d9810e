// Convolution, and what may follow it while the result is still in cache.
//
//   y[n,i,j,o] = relu?( (Σ_{p,q,c} x[n, i·s + p·d − P, j·s + q·d − P, c] · w[o,p,q,c]  + b[o]) · scale[o] + shift[o] + residual[n,i,j,o] )
//
//   x [N,H,W,Cin]     w [Cout,kH,kW,Cin/groups]     b [Cout] or undefined     y [N,OH,OW,Cout]
//   OH = ⌊(H + 2P − d (kH − 1) − 1) / s⌋ + 1,  OW likewise;  x is 0 outside its map.  Group g maps the g-th part of Cin to the g-th of Cout.
//   scale, shift: frozen batch norm, constants (no gradient). residual: as y.
//
// Gradient:  with g = gy where y > 0 (gy itself without relu), and g' = g · scale
//   g_residual = g      gb[o] = Σ_{n,i,j} g'      gx = the adjoint: Σ over the (i,j,p,q) that read x[h,w] of g'[i,j] w[p,q]
//   gw[o,p,q,c] = Σ_{n,i,j} g'[n,i,j,o] x[n, i·s + p·d − P, …, c]
//
// Types: f32, f64; bf16 x with f32 or bf16 w (sums, gb and gw in f32).
// How it is computed: conv2d_rungs.h.  Errors: ranks, channels against groups, an empty output, the epilogue's shapes.
#pragma once

#include "autograd/var.h"

namespace mr {

struct Conv2dOptions {
  int stride = 1, padding = 0, dilation = 1, groups = 1;
};

struct Epilogue {
  Tensor scale = {}, shift = {};  // [Cout], or undefined
  Var residual = {};              // [N,OH,OW,Cout], or undefined
  bool relu = false;
};

Var conv2d(const Var& x, const Var& w, const Var& b, const Conv2dOptions& options = {}, const Epilogue& epilogue = {});

}  // namespace mr
