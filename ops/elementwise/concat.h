// Tensors joined along an axis.
//
//   concat_rows      y = [x₀; x₁; …]        xₖ: [Nₖ, …], the same axes after the first;  y: [Σ Nₖ, …]: the RoIs of several images,
//                                           the pooled boxes of several pyramid levels
//   concat_channels  y[…, :] = x₀[…, :], x₁[…, :], …        xₖ: […, Cₖ], the same axes before the last;  y: […, Σ Cₖ]: a U-Net's skip
//
// By hand: the rows [1 2] and [3 4] of one map beside [5] and [6] of another are [1 2 5] and [3 4 6].
// Any element type; a gradient needs a floating one. concat_channels is for floating types alone.
// Gradient: each input gets its part of gy; of rows that is a slice of the same memory.
// Errors: no inputs; rank 0; other sizes along the other axes, another type or another device than
// the first input's.
#pragma once

#include "autograd/var.h"

namespace mr {

Var concat_rows(const std::vector<Var>& xs);
Var concat_channels(const std::vector<Var>& xs);

}  // namespace mr
