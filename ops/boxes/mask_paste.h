// A predicted m×m mask put back into the image: resized to its box, then thresholded.
//
//   accurate      pixel (X, Y) reads the mask at u = (X + ½ − x1)/(x2 − x1)·m − ½, v alike, bilinearly, zero outside the grid; on
//                 where the value is ≥ threshold (detectron2; worth half a point of mask AP)
//   torchvision   the first release's: the mask with a border of zeros, its box grown by (m+2)/m and cut to integers, resized to
//                 x2 − x1 + 1 pixels; on where the value is > threshold
//
// Example (accurate): mask [[1,0],[0,0]], box (1,1,5,5), 6×6 image: values .0625 .1875 .1875 .0625
// 0 0 / .1875 .5625 .5625 .1875 0 0 / …
#pragma once

#include <vector>

#include "geometry/box.h"
#include "geometry/mask.h"
#include "geometry/rle.h"

namespace mr {

enum class PasteRule : uint8_t { accurate, torchvision };

// The values before the threshold, on the part of the image that the box can touch; zero elsewhere.
struct SoftMask {
  int x0 = 0, y0 = 0, height = 0, width = 0;
  std::vector<float> values;  // [height·width]
};

// mask [m,m] of probabilities. A box that is empty,
// not finite or outside the image gives an empty mask.
// Errors: m < 1, an image without pixels.
SoftMask paste_values(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule);
CroppedMask paste_mask(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule, float threshold = 0.5f);

// rle_encode(paste_mask(…)), a column at a time: without the pixels in between, which would be 845
// MB of a box of 13,000 × 13,000.
Rle paste_rle(const float* mask, int m, const Box& box, int image_h, int image_w, PasteRule rule, float threshold = 0.5f);

}  // namespace mr
