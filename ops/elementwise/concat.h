// Tensors one after the other along the leading axis: the RoIs of several images,
// the pooled boxes of several pyramid levels.
//
//   y = [x₀; x₁; …]          xₖ: [Nₖ, …], the same axes after the first;  y: [Σ Nₖ, …]
//
// Any element type; a gradient needs a floating one.
// Gradient: each input gets its rows of gy, a slice of the same memory.
// Errors: no inputs; rank 0; other trailing sizes or another type than the first input's.
#pragma once

#include "autograd/var.h"

namespace mr {

Var concat_rows(const std::vector<Var>& xs);

}  // namespace mr
