// Non-maximum suppression: of boxes that cover the same thing, keep the one with the best score.
//
// In falling order of score (of equal scores the lower index first) a box is kept unless its IoU with a box kept before it is
// greater than `threshold`. IoU in f32, compared exactly with the threshold as given.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace mr {

// boxes [N,4], scores [N] f32 → indices of the boxes kept, best first; at most keep_at_most of them (−1: all).
// Errors: shapes and types, a threshold that is NaN.
std::vector<int32_t> nms(const Tensor& boxes, const Tensor& scores, double threshold, int keep_at_most = -1);

// groups [N] i32 (classes, pyramid levels): boxes of different groups never suppress each other. Best first over all groups.
std::vector<int32_t> batched_nms(const Tensor& boxes, const Tensor& scores, const Tensor& groups, double threshold, int keep_at_most = -1);

}  // namespace mr
