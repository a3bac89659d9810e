// One step of Adam over flat arrays: weights w, gradients g, and the running means m of the
// gradients and v of their squares, of a whole model. Two ways of weight decay, which differ in
// what they do to each weight:
//
//   s = min(1, clip_norm / ‖g‖₂)                          clipping, over all pieces together; off when clip_norm = 0
//   d = s·g  (+ λ·w  with coupled decay)                  rate η; factor f and decay λ by piece
//   m ← β₁·m + (1 − β₁)·d             v ← β₂·v + (1 − β₂)·d²
//   m̂ = m/(1 − β₁ᵗ)                   v̂ = v/(1 − β₂ᵗ)     the means start at 0; this takes that out of them. t counts steps from 1
//   w ← w − η·f·(m̂/(√v̂ + ε)  (+ λ·w  with decoupled decay))
//
// coupled:    Adam (Kingma and Ba 2015, algorithm 1), λ being an L2 term of the loss; torch.optim.Adam. The decay is
//             divided by √v̂ as the gradient is, so that weights with large gradients decay less than others.
// decoupled:  AdamW (Loshchilov and Hutter 2019, algorithm 2); torch.optim.AdamW. All weights decay by the same share.
//
// The paper of AdamW lets decay follow the schedule alone (η_t·λ, beside a rate η_t·α); here it is
// multiplied by the whole rate, as in torch: λ = 0.01 at a rate of 0.001 takes a hundred-thousandth
// of a weight a step.
//
// By hand: w = 1, g = 2, η = 0.1, λ = 0, t = 1. m̂ = 2 and v̂ = 4, so w = 1 − 0.1·2/(2 + ε) = 0.9:
// the first step is η, whatever the size of the gradient.
//
// Instead of t the state holds β₁ᵗ and β₂ᵗ, each multiplied by its β in every step: products, and
// so the same bits on every device, and right also where a β is changed under way.
//
// The result has the same bits for every number of threads and every processor; on a GPU ‖g‖ is
// summed in another order, the rest is the same. η stands where the arrays are, so that the same
// launches serve every step; ‖g‖₂ is returned there, f64 [1], and on a GPU not waited for. Weights
// and state are left alone when that norm is not finite.
// Errors: arrays or rate not f32, arrays not of one size, a rate that is not [1], powers that are
// not f64 [2]; a piece outside the arrays; a β outside [0, 1); ε not above 0.
#pragma once

#include "ops/optim/pieces.h"

namespace mr {

enum class AdamDecay : uint8_t { coupled, decoupled };

struct AdamOptions {
  AdamDecay decay = AdamDecay::decoupled;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double clip_norm = 0;
};

// What is remembered from step to step. Before the first: zeros, zeros, ones.
struct AdamState {
  Tensor mean, square;  // m and v, f32, as the weights
  Tensor powers;        // β₁ᵗ and β₂ᵗ, f64 [2]
};

Tensor adam_step(const Tensor& w, const AdamState& state, const Tensor& g, const ArenaPieces& pieces, const AdamOptions& options,
                 const Tensor& lr);

}  // namespace mr
