// Softmax and the cross entropy on it: the class of a RoI (K classes and the background, number 0).
//
//   softmax(z)_k = e^(z_k − max z) / Σ_j e^(z_j − max z)          z: [..., K] floating; f32 out for bf16 (scores are ranked)
//   L = Σ_r −log softmax(z_r)[k_r] / divisor = Σ_r (max z + log Σ_j e^(z_j − max z) − z[k_r]) / divisor
//
//   logits z: [R, K+1] floating;  labels k: i32 [R], each in [0, K];  L: one number, f32 (f64 for f64 logits); R = 0 gives 0
//   first_label = 1: of K classes without a background, as a classifier of whole images has them: z [R, K], labels in [1, K]
//
// Gradient: gz = (softmax(z) − onehot(k)) / divisor.
//
//   softmax_mask_loss   the multinomial mask that Mask R-CNN's Table 2b compares with: pixels are classified among all K classes and the
//                       background, L = 1/(R·m²) · Σ_r Σ_p −log softmax(z[r,p])[k_r inside the mask, 0 outside]
//                       logits z: [R,m,m,K+1];  labels k: i32 [R] in [1, K];  targets: [R,m,m], a pixel is inside at ½ or more;  R = 0 gives 0
//                       At test the predicted class's probability is the mask. (The paper does not say how the background enters; here it is a
//                       class of its own.) Classes compete for pixels: 24.8 against 30.3 mask AP.
//
// Errors: logits not [R, K+1] or not floating; labels not i32 [R] or out of range; divisor not
// positive; softmax of rank 0 or of no classes.
// On a GPU labels are not read before the kernel runs: a row whose label is outside [0, K] ([1, K]
// for softmax_mask_loss, where R counts the others) takes no part.
#pragma once

#include "autograd/var.h"
#include "ops/loss/divisor.h"

namespace mr {

Var softmax_cross_entropy(const Var& logits, const Tensor& labels, const Divisor& divisor, int first_label = 0);
Var softmax_mask_loss(const Var& logits, const Tensor& labels, const Tensor& targets);
Tensor softmax(const Tensor& logits);

}  // namespace mr
