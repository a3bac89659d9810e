// What is minimised: the terms of a loss, each with its weight.
//
//   L = Σ wᵢ·tᵢ          tᵢ: one number each, all of one floating type, at most 16 of them;  w: [n] f32 where the terms are, or none: every wᵢ is 1
//
// L is a number of the terms' type, summed in f64. Gradient: ∂L/∂tᵢ = wᵢ; w has none. On a GPU w is
// read when the kernel runs, so that a step that was recorded (tensor/gpu/graph.h) takes the
// weights that stand there then.
//
// Errors: no terms, or more than 16; a term that is not one number;
// types or devices that differ; w not [n] f32.
#pragma once

#include <vector>

#include "autograd/var.h"

namespace mr {

constexpr size_t most_loss_terms = 16;

Var weighted_sum(const std::vector<Var>& terms, const Tensor& weights = {});

}  // namespace mr
