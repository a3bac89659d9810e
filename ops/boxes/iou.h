// Intersection over union of every pair of boxes:
// y[i,j] = |a_i ∩ b_j| / |a_i ∪ b_j|, 0 for two boxes without area.
#pragma once

#include "tensor/tensor.h"

namespace mr {

Tensor box_iou(const Tensor& a, const Tensor& b);  // [A,4], [B,4] f32 → [A,B] f32

}  // namespace mr
