// A convolution with ReLU at listed cells of its output only: what the RPN's loss sees of its 3×3 convolution.
//
//   y[s,o] = relu(b[o] + Σ_{p,q,c} x[n, i·t + p − P, j·t + q − P, c] · w[o,p,q,c])     cell s = (n·OH + i)·OW + j;  y [S,Cout]
//
// The dense map has been computed for the proposals anyway (`dense`, [N,OH,OW,Cout]), so forward only picks its rows. Backward is a
// gather of the S patches, two small matrix products and a scatter:
//
//   g = gy where y > 0        gw = gᵀ · patches [S, kH·kW·C]        gb = Σ_s g        gx += g · w at the patches' cells, s in order
//
// Exact: the same gradients as backward through the whole map, at S / (N·OH·OW) of the work; 768 of 64,800 cells an image at 800×1216.
// Types: f32, f64; bf16 x and dense with f32 w. Errors: shapes that do not fit, groups or dilation, a cell outside the map.
#pragma once

#include "ops/conv/conv2d.h"

namespace mr {

// cells [S] i32; a cell may be listed more than once.
Var conv2d_relu_at(const Var& x, const Var& w, const Var& b, const Conv2dOptions& options, const Tensor& cells, const Tensor& dense);

}  // namespace mr
