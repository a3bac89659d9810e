// Softmax and the cross entropy on it: the class of a RoI (K classes and the background, number 0).
//
//   softmax(z)_k = e^(z_k − max z) / Σ_j e^(z_j − max z)          z: [..., K] floating; f32 out for bf16 (scores are ranked)
//   L = Σ_r −log softmax(z_r)[k_r] / divisor = Σ_r (max z + log Σ_j e^(z_j − max z) − z[k_r]) / divisor
//
//   logits z: [R, K+1] floating;  labels k: i32 [R], each in [0, K];  L: one number, f32 (f64 for f64 logits); R = 0 gives 0
//
// Gradient: gz = (softmax(z) − onehot(k)) / divisor.
// Errors: logits not [R, K+1] or not floating; labels not i32 [R] or out of range; divisor not positive; softmax of rank 0 or of no classes.
#pragma once

#include "autograd/var.h"

namespace mr {

Var softmax_cross_entropy(const Var& logits, const Tensor& labels, double divisor);
Tensor softmax(const Tensor& logits);

}  // namespace mr
