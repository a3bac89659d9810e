// What the optimisers have in common: the flat arrays that they work on (weights, gradients, …, of
// a whole model), cut into pieces, and the norm of the gradient.
#pragma once

#include <initializer_list>
#include <vector>

#include "tensor/hd.h"
#include "tensor/tensor.h"

namespace mr {

// Neighbours in the arrays that share a factor of the learning rate and a weight decay: what one
// thread of the CPU or one block of a GPU takes. At most arena_piece_size values, from a multiple
// of 4 on.
struct ArenaPiece {
  int64_t begin, end;
  float lr_factor, decay;
};
constexpr int64_t arena_piece_size = 32768;  // 3 or 4 × 128 KB stay in L2

// Adds [run.begin, run.end), of any length, cut into pieces.
void add_pieces(std::vector<ArenaPiece>& to, const ArenaPiece& run);

// The pieces, on the CPU and where the arrays are.
struct ArenaPieces {
  ArenaPieces() = default;
  ArenaPieces(std::vector<ArenaPiece> pieces, Device device);
  std::vector<ArenaPiece> all;
  Tensor runs;     // i64 [pieces, 2]: begin, end; undefined on the CPU
  Tensor factors;  // f32 [pieces, 2]: lr_factor, decay
};

// Errors: arrays that are not f32 of one size; a rate that is not f32 [1]; a piece that ends
// outside the arrays. `op` begins the message.
void check_arenas(const char* op, const Tensor& w, std::initializer_list<Tensor> others, const ArenaPieces& pieces, const Tensor& lr);

// ‖g‖₂ over all pieces, on the CPU. The same bits for every number of threads.
double gradient_norm(const Tensor& g, const ArenaPieces& pieces);

// By what gradients of this norm are multiplied; clip_norm 0: off.
MR_HD inline double clip_scale(double norm, double clip_norm) { return clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1; }

}  // namespace mr
