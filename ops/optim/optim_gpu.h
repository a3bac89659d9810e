// The optimisers on a GPU (sgd.cu, adam.cu, squares.cu). Queued on compute_stream().
#pragma once

#include "ops/optim/adam.h"
#include "ops/optim/sgd.h"

namespace mr::gpu {

Tensor sgd_step(const Tensor& w, const Tensor& v, const Tensor& g, const ArenaPieces& pieces, const SgdOptions& options, const Tensor& lr);
Tensor adam_step(const Tensor& w, const AdamState& state, const Tensor& g, const ArenaPieces& pieces, const AdamOptions& options,
                 const Tensor& lr);

// f64 [pieces]: the sum of the squares of each.
Tensor squares_of_pieces(const Tensor& g, const ArenaPieces& pieces);

}  // namespace mr::gpu
