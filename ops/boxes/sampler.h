// A balanced mini-batch of boxes to learn from: at most `positive_fraction` of `count` positives,
// the rest negatives; fewer positives make room for more negatives. The draw is uniform and without
// replacement, and depends on the labels and the generator alone.
#pragma once

#include <span>

#include "ops/boxes/lists.h"
#include "tensor/rng.h"

namespace mr {

// match [N,B] i32 (matcher.h): an object's index (≥ 0) is a positive, Match::background a negative,
// Match::between neither. streams [N,6] i32: a new generator for each image.
// `positive_fraction`·count is truncated.
// → [N,count] i32, places of boxes: the positives, rising, then the negatives, rising, then −1
// Errors: types and shapes, a negative count, a fraction outside [0, 1];
// on a GPU, a count above 16384.
Tensor sample_balanced(const Tensor& match, int64_t count, double positive_fraction, const Tensor& streams);

// New generators as the sampler reads them: the words of key and counter, [N,6] i32 on the CPU.
constexpr int64_t stream_words = sizeof(Philox) / sizeof(int32_t);
Tensor generator_streams(std::span<const Rng> rngs);

}  // namespace mr
