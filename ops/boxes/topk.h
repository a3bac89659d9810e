// The k largest of many scores.
//
// Falling; of equal scores the one at the lower place comes first; NaN is below every number and
// −0 equals 0.
#pragma once

#include <span>
#include <vector>

#include "ops/boxes/lists.h"

namespace mr {

// scores [N,n] f32 → of each row the places of its k best, [N,k]; fewer where n < k, or where
// `holes`: a score of −∞ is a place that is not filled.
// Errors: scores that are not [N,n] f32, a negative k; on a GPU, min(k, n) above 16384.
Chosen top_k(const Tensor& scores, int64_t k, bool holes = false);

// Of one row, on the CPU.
std::vector<int32_t> best_places(std::span<const float> scores, int64_t k, bool holes = false);

}  // namespace mr
