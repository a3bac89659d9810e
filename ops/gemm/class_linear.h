// A linear layer of which each group of rows needs one output channel:
// the mask logits of a RoI's own class.
//
//   y[r,p] = Σ_c x[r,p,c] · w[k_r,c] + b[k_r]             x [R,P,C], w [K,C], b [K], labels k [R] → y [R,P]
//
//   ∂L/∂x[r,p,c] = g[r,p] · w[k_r,c]       ∂L/∂w[k,c] = Σ_{r: k_r = k} Σ_p g[r,p] · x[r,p,c]       ∂L/∂b[k] = Σ_{r: k_r = k} Σ_p g[r,p]
//
// Mask R-CNN's mask loss reads only the channel of the ground-truth class (He et al. 2017, section
// 3), and prediction only that of the predicted class, so the other K − 1 are never computed: at 91
// classes and 28×28 this saves 3.6 GFLOP per 100 RoIs.
// x is f32, bf16 or f64; w and b are f32 (f64 with f64 x); y has x's type.
// Errors: shapes that do not fit, a label outside [0, K). On a GPU, where labels are not read before
// the kernel runs, such a RoI gives 0 and takes no part: rows that fill a list up have label −1.
#pragma once

#include "autograd/var.h"

namespace mr {

Var class_linear(const Var& x, const Var& w, const Var& b, const Tensor& labels);

}  // namespace mr
