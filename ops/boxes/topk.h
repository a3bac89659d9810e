// The k largest of many scores.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace mr {

// Indices of the k largest of scores [N] f32 (all, if there are fewer), falling; of equal scores the lower index comes first.
// NaN is below every number. Errors: scores that are not [N] f32, a negative k.
std::vector<int32_t> top_k(const Tensor& scores, int64_t k);

}  // namespace mr
