// Binary cross entropy on logits: objectness of anchors, and masks.
//
//   BCE(z, t) = −t·log σ(z) − (1−t)·log(1 − σ(z)) = max(z, 0) − z·t + log(1 + e^−|z|)         σ: logistic function
//
// The right-hand form never takes the logarithm of a rounded probability:
// it is exact to rounding for every finite z.
//
//   sigmoid_bce   L = Σ wᵢ·BCE(zᵢ, tᵢ) / divisor          z: any shape, floating;  t, w: the same shape;  w undefined: all 1
//                 A logit with weight 0, or with a target below 0, takes no part and may be anything, even not finite:
//                 so labels with −1 for "nothing is here" serve as targets.
//   mask_loss     L = 1/(R·m²) · Σ_r Σ_p BCE(z[r,p,k_r], t[r,p])          z: [R,m,m,K];  k: i32 [R];  t: [R,m,m];  0 if R = 0
//                 Only the channel of the object's class counts, so classes do not compete (He et al. 2017, section 3).
//                 With the classes cat, dog, person and k = person, neither the loss nor a gradient sees the cat's and the dog's masks.
//                 Class-agnostic masks: K = 1, all k = 0. Labels number the K channels: a class numbered from 1 needs its −1.
//
// L is one number, f32 (f64 for f64 logits); bf16 logits are widened first. Targets may be soft.
// Gradient: ∂BCE/∂z = σ(z) − t, times w/divisor. None for t and w.
// Errors: t or w of another shape or not floating; divisor not positive; z not [R,m,m,K];
// k not i32 [R] or outside [0, K).
// On a GPU labels are not read before the kernel runs: a RoI of mask_loss whose label is outside
// [0, K), −1 in a list that is filled up, takes no part, and R counts the others.
#pragma once

#include "autograd/var.h"
#include "ops/loss/divisor.h"

namespace mr {

Var sigmoid_bce(const Var& logits, const Tensor& targets, const Tensor& weights, const Divisor& divisor);
Var mask_loss(const Var& logits, const Tensor& labels, const Tensor& targets);

}  // namespace mr
