// The mask of one class from logits in which classes compete, what softmax_mask_loss trains
// (cross_entropy.h).
//
//   y[r,p] = rule(softmax(z[r,p]), k_r)          z: [R,m,m,K+1] floating;  k: i32 [R] in [1, K];  y: [R,m,m] f32
//
//   probability  p_k = 1 / Σ_j e^(z_j − z_k)
//   largest      1 where z_k is the largest of z, of equal ones the first; else 0
//   foreground   p_k / (p_k + p_0) = 1 / (1 + e^(z_0 − z_k))
//
// By hand, z = (0, ln 2, ln 3) and k = 2: 3/6; 1; 3/4.
// Pasted at a threshold of ½, `probability` wants the class to outweigh all others together,
// `foreground` the background alone.
// No gradient. Errors: shapes and types; a label out of range. On a GPU, where labels are not read
// before the kernel runs, such a RoI gives 0: rows that fill a list up have label −1.
#pragma once

#include "ops/loss/softmax_rule.h"
#include "tensor/tensor.h"

namespace mr {

Tensor class_masks(const Tensor& logits, const Tensor& labels, SoftmaxRule rule);

}  // namespace mr
