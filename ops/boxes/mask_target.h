// What the mask branch is trained towards: the object's mask seen through the RoI, on an m×m grid.
//
// The mask is a map of ones and zeros, one cell a pixel (stride 1); cell (p, q) of the target is the mean of RoIAlign's adaptive
// samples (one a pixel) in bin (p, q) of the box:
//   torchvision    aligned = 0, kept as it is: fractions along the outline
//   thresholded    aligned = 1, then ≥ ½: zeros and ones (detectron2's bitmaps)
// Only the part of the mask that is not zero is read; where it stands in the image matters, since RoIAlign repeats the image's
// border.
#pragma once

#include <vector>

#include "geometry/mask.h"
#include "tensor/tensor.h"

namespace mr {

enum class MaskRule : uint8_t { torchvision, thresholded };

// masks: one for each of the boxes [R,4] f32 (the same object may stand there often) → [R,m,m] f32.
// Errors: another number of masks, a null mask, m outside 1 … 1024, a box that is not finite, bits that do not fit the image.
Tensor mask_targets(const std::vector<const CroppedMask*>& masks, const Tensor& boxes, int m, MaskRule rule);

}  // namespace mr
