// A balanced mini-batch of boxes to learn from: at most `positive_fraction` of `count` positives, the rest negatives; fewer
// positives make room for more negatives. Uniform, without replacement, a function of the labels and the generator alone.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/boxes/matcher.h"
#include "tensor/rng.h"

namespace mr {

struct Sampled {
  std::vector<int32_t> positive, negative;  // indices of boxes, rising
};

// An object's index (≥ 0) is a positive, Match::background a negative, Match::between neither. `positive_fraction`·count is truncated.
// Errors: a negative count, a fraction outside [0, 1].
Sampled sample_balanced(const Match& match, int count, double positive_fraction, Rng& rng);

}  // namespace mr
