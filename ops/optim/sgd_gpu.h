// sgd_step on a GPU (sgd.cu). Queued on compute_stream().
#pragma once

#include "ops/optim/sgd.h"

namespace mr::gpu {

Tensor sgd_step(const Tensor& w, const Tensor& v, const Tensor& g, const SgdPieces& pieces, const SgdOptions& options, const Tensor& lr);

}  // namespace mr::gpu
