// Bilinear resizing between pixel centres (align_corners = false), without antialiasing:
// keypoint maps ×2, mask logits.
//
//   along each axis   s = max((i + ½)·in/out − ½, 0),  i₀ = ⌊s⌋,  i₁ = min(i₀ + 1, in − 1),  λ = s − i₀
//   y = (1−λy)(1−λx)·x[i₀,j₀] + (1−λy)λx·x[i₀,j₁] + λy(1−λx)·x[i₁,j₀] + λyλx·x[i₁,j₁]
//
//   x: [N,H,W,C] floating   y: [N,H',W',C]      pixel i covers [i, i+1), its centre is i + ½; at the border the edge repeats
//   ×2 of a row [1, 2, 4] is [1, 1.25, 1.75, 2.5, 3.5, 4]
//
// Positions are exact (integers over 2·out); weights are used in f32 (f64). When the target is
// smaller than a half it skips pixels: prepare images with data/'s antialiased resize instead.
// Gradient: each pixel of x sums weight · gy over the outputs that read it,
// rows and columns in rising order.
// Errors: x not of rank 4 or not floating; a map or a target without pixels.
#pragma once

#include "autograd/var.h"

namespace mr {

Var resize_bilinear(const Var& x, int out_h, int out_w);

}  // namespace mr
