// What the mask branch is trained towards: the object's mask seen through the RoI, on an m×m grid.
//
// The mask is a map of ones and zeros, one cell a pixel (stride 1); cell (p, q) of the target is
// the mean of RoIAlign's adaptive samples (one a pixel) in bin (p, q) of the box:
//   torchvision    aligned = 0, kept as it is: fractions along the outline
//   thresholded    aligned = 1, then ≥ ½: zeros and ones (detectron2's bitmaps)
// Only the part of the mask that is not zero is read; where it stands in the image matters, since
// RoIAlign repeats the image's border.
#pragma once

#include <span>
#include <vector>

#include "geometry/mask.h"
#include "tensor/tensor.h"

namespace mr {

enum class MaskRule : uint8_t { torchvision, thresholded };

// Bitmaps of the objects of N images, each cut to a part of its image.
struct MaskTable {
  Tensor bits;        // [bytes] u8, 0 or 1: the bitmaps one after the other, row-major; room to a power of two
  Tensor place;       // [N,G,7] i64: first byte in bits, x0, y0, height, width of the bitmap, height and width of the image
  int64_t width = 0;  // of the widest bitmap, up to a multiple of 256
};
// With room for G objects an image; those after the given ones are empty. Errors: more than G,
// bits that do not fit their image.
MaskTable mask_table(const std::vector<std::span<const CroppedMask>>& masks, int64_t G, Device device = {});

// rois [R,5] f32 (image, box), object [R] i32: which of its image's, −1: none → [R,m,m] f32, zeros
// without an object. Corners must be finite and within 2^24, which is checked on the CPU.
// Errors: types and shapes, m outside 1 … 1024; on the CPU an image or object that the table lacks;
// on a GPU bitmaps wider than 56,000.
Tensor mask_targets(const MaskTable& masks, const Tensor& rois, const Tensor& object, int m, MaskRule rule);

}  // namespace mr
