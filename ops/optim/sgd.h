// One step of stochastic gradient descent with momentum over flat arrays: weights w, gradients g
// and velocities v of a whole model.
//
//   s = min(1, clip_norm / ‖g‖₂)                 clipping, over all pieces together; off when clip_norm = 0
//   d = s·g + λ·w                                weight decay λ, by piece
//   v ← μ·v + d                                  momentum
//   w ← w − η·f·(v,  or  d + μ·v with Nesterov)  rate η, factor f by piece
//
// as torch.optim.SGD defines it. Rows without gradient (g = 0) still get decay and momentum. The
// result has the same bits for every number of threads and every processor; on a GPU ‖g‖ is summed
// in another order, the rest is the same.
// η stands where the arrays are, so that the same launches serve every step; ‖g‖₂ is returned
// there, f64 [1], and on a GPU not waited for. Arrays are left alone when that norm is not finite.
// Errors: arrays or rate not f32, arrays not of one size,
// a rate that is not [1]; a piece outside them.
#pragma once

#include "ops/optim/pieces.h"

namespace mr {

struct SgdOptions {
  double momentum = 0.9;
  bool nesterov = false;
  double clip_norm = 0;
};

Tensor sgd_step(const Tensor& w, const Tensor& v, const Tensor& g, const ArenaPieces& pieces, const SgdOptions& options, const Tensor& lr);

}  // namespace mr
