// The gradient of  y = relu?(conv2d(x, w) + b)  when only a few positions of y have one: the losses of the RPN touch at most 256 anchors
// an image, where the dense backward would work on every pixel.
//
//   g[s,o] = gy[s,o] where y[at[s],o] > 0          (gy without relu)
//   gb[o] = Σ_s g[s,o]      gw[o,·] = Σ_s g[s,o] patch(at[s])      gx[pixels of patch(at[s])] += Σ_o g[s,o] w[o,·],  s in order
//
//   patches [S, kH·kW·Cin] are gathered, two small matrix products follow, and the last result is scattered.
//   It equals the dense backward but for the order of the sums.
//
// On a GPU positions are i32 or i64 and are not read before the kernel runs: one outside y, −1 in a
// list that is filled up, is no row. It gathers zeros and takes no part in a gradient.
#pragma once

#include <vector>

#include "ops/conv/conv2d.h"

namespace mr {

struct Conv2dSparse {
  Tensor at;  // [S] i64: pixels of y, (n·OH + i)·OW + j; a pixel may be there twice
  Tensor gy;  // [S,Cout]: the gradient there
  Tensor y;   // [S,Cout]: the values there, to go back through ReLU; undefined: no ReLU
};
struct Conv2dGrads {
  Tensor gx;      // [N,H,W,Cin], of x's type
  Tensor gw, gb;  // f32 (f64 for f64)
};

// gx: what to add to (of x's shape and type); undefined: a new one. Without want_gx, want_gw (which
// includes gb) the parts stay undefined.
// Errors: shapes, groups, a position outside y.
Conv2dGrads conv2d_sparse_backward(const Tensor& x, const Var& w, const Conv2dOptions& options, const Conv2dSparse& sparse,
                                   bool want_gx = true, bool want_gw = true, Tensor gx = {});

// Rows of a map [N,H,W,C] (or [M,C]) at flat pixel positions at [S] i64 → [S,C].
Tensor gather_pixels(const Tensor& map, const Tensor& at);

// The same as an operator on the tape: relu(conv2d(x, w) + b) at the positions `at`, [S,Cout],
// whose values stand in `dense`, the whole map [N,OH,OW,Cout] that was computed without gradients.
Var conv2d_relu_at(const Var& x, const Var& w, const Var& b, const Conv2dOptions& options, const Tensor& at, const Tensor& dense);

// Of a pyramid, whose maps share w and b: row r stands at position cell[r] of map level[r],
// both i32 [R]; −1: a filler, whose row is 0. On the CPU the rows are in the order of the levels,
// without fillers.
// Errors: another number of maps than of dense ones, levels that fall.
Var conv2d_relu_at(const std::vector<Var>& maps, const Var& w, const Var& b, const Conv2dOptions& options, const Tensor& level,
                   const Tensor& cell, const std::vector<Tensor>& dense);

}  // namespace mr
