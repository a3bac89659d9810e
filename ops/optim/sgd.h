// One step of stochastic gradient descent with momentum over flat arrays: weights w, gradients g and velocities v of a whole model.
//
//   s = min(1, clip_norm / ‖g‖₂)                 clipping, over all pieces together; off when clip_norm = 0
//   d = s·g + λ·w                                weight decay λ, by piece
//   v ← μ·v + d                                  momentum
//   w ← w − η·f·(v,  or  d + μ·v with Nesterov)  rate η, factor f by piece
//
// as torch.optim.SGD defines it. Rows without gradient (g = 0) still get decay and momentum. The result has the same bits for every number of
// threads and every processor; on a GPU ‖g‖ is summed in another order, the rest is the same.
// η stands where the arrays are, so that the same launches serve every step; ‖g‖₂ is returned there, f64 [1], and on a GPU not waited for. Arrays
// are left alone when that norm is not finite.
// Errors: arrays or rate not f32, arrays not of one size, a rate that is not [1]; a piece outside them.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace mr {

// Neighbours in the arrays that share a factor and a decay. At most sgd_piece_size values, from a multiple of 4 on: what one thread of
// the CPU or one block of a GPU takes.
struct SgdPiece {
  int64_t begin, end;
  float lr_factor, decay;
};
constexpr int64_t sgd_piece_size = 32768;  // 3 × 128 KB stay in L2

// Adds [run.begin, run.end), of any length, cut into pieces.
void add_pieces(std::vector<SgdPiece>& to, const SgdPiece& run);

// The pieces, on the CPU and where the arrays are.
struct SgdPieces {
  SgdPieces() = default;
  SgdPieces(std::vector<SgdPiece> pieces, Device device);
  std::vector<SgdPiece> all;
  Tensor runs;     // i64 [pieces, 2]: begin, end; undefined on the CPU
  Tensor factors;  // f32 [pieces, 2]: lr_factor, decay
};

struct SgdOptions {
  double momentum = 0.9;
  bool nesterov = false;
  double clip_norm = 0;
};

Tensor sgd_step(const Tensor& w, const Tensor& v, const Tensor& g, const SgdPieces& pieces, const SgdOptions& options, const Tensor& lr);

}  // namespace mr
