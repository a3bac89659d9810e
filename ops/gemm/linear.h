// Fully connected layer.
//
//   y[m,n] = relu?(Σ_k x[m,k] w[n,k] + b[n])        x [M,K]   w [N,K]   b [N] or undefined   y [M,N]
//
// Gradient:  with g = gy where y > 0 (gy itself without relu)
//   gx = g w      gw = gᵀ x      gb[n] = Σ_m g[m,n]
//
// f32, f64; bf16 x with f32 or bf16 weights. Sums are held in f32 (f64);
// gw and gb have their parameter's type.
// Errors: ranks, K of x and w, N of w and b.
#pragma once

#include "autograd/var.h"

namespace mr {

Var linear(const Var& x, const Var& w, const Var& b = {}, bool relu = false);

}  // namespace mr
