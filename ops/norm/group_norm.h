// Group normalisation (Wu & He 2018): each image by itself,
// so it works for batches of one or two and for RoIs.
//
//   y = (x − μ)/√(σ² + ε) · w + b          x, y: [N, ..., C] floating;  w, b: [C]
//   μ, σ²: over the positions of image n and the C/G neighbouring channels of group g,   M = positions · C/G values (σ² with 1/M)
//
// Gradient (x̂ = (x − μ)/√(σ² + ε)):   gb = Σ gy,  gw = Σ gy·x̂  over images and positions, and
//   gx = (w·gy − mean_group(w·gy) − x̂·mean_group(w·gy·x̂)) / √(σ² + ε)
// w and b may be f32 beside a bf16 x. Statistics are gathered in f32 over blocks and in f64 over
// the blocks. Backward keeps x.
//
// Errors: x of rank < 2 or not floating; C not a multiple of groups; w or b not [C];
// ε < 0. Without values y is empty.
#pragma once

#include "autograd/var.h"

namespace mr {

Var group_norm(const Var& x, const Var& weight, const Var& bias, int groups, double eps);

}  // namespace mr
