// Smooth L1 (Girshick 2015, eq. 3): quadratic near 0, so that small errors stop pulling; linear
// beyond, so that large ones do not explode.
//
//   S_β(d) = ½ d²/β if |d| < β,  |d| − ½ β otherwise;   β = 0: |d|             S(0.05; 1/9) = 0.01125   S(0.5; 1/9) = 0.4444…   S(0.5; 1) = 0.125
//
//   smooth_l1        L = Σ S_β(xᵢ − tᵢ) / divisor            x: any shape, floating;  t: the same shape
//   class_box_loss   L = Σ_{r: k_r > 0} Σ_{j<4} S_β(x[r, 4·k_r + j] − t[r, j]) / divisor
//                    x: [R, 4(K+1)] floating, the four box deltas of each class;  labels k: i32 [R], 0 the background;  t: [R,4]
//                    Background rows and the columns of other classes have neither loss nor gradient. The divisor is usually the
//                    number of all sampled RoIs, so that a box counts the same however few the positives are.
//
// β: 1/9 in torchvision (both stages), 1 and 1/9 in the original, 0 in Detectron2. L: one number,
// f32 (f64 for f64 input); no terms: 0.
// Gradient: S'(d) = d/β inside, sign(d) outside (β = 0: sign(d), 0 at 0), times 1/divisor.
// Errors: t of another shape or not floating; β < 0; divisor not positive; x not [R, 4(K+1)];
// labels not i32 [R] or outside [0, K].
// On a GPU labels are not read before the kernel runs: a RoI whose label is outside
// [0, K] takes no part, as the background.
#pragma once

#include "autograd/var.h"
#include "ops/loss/divisor.h"

namespace mr {

Var smooth_l1(const Var& pred, const Tensor& target, double beta, const Divisor& divisor);
Var class_box_loss(const Var& deltas, const Tensor& labels, const Tensor& targets, double beta, const Divisor& divisor);

}  // namespace mr
