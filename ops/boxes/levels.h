// Which level of the pyramid a RoI reads (Lin et al. 2017, equation 1):
//
//     k = ⌊k0 + log2(√(w·h) / s0) + ε⌋   clamped to [k_min, k_max];      k0 = 4, s0 = 224
//
// A box of ImageNet's size goes to P4; half the side, one level finer. ε = 1e-6 (torchvision)
// keeps exact powers on their level.
#pragma once

#include "tensor/tensor.h"

namespace mr {

// rois [R,5] (image, box) or [R,4] f32 → [R] i32, k − k_min.
// Errors: other shapes or types, k_min > k_max.
Tensor assign_levels(const Tensor& rois, int k_min, int k_max, float k0 = 4, float s0 = 224, float eps = 1e-6f);

}  // namespace mr
