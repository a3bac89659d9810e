// The image half of the transforms.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "data/pixel_change.h"
#include "data/transforms/pixel_rules.h"

namespace mr {

void reverse_columns(Image& image);
void reverse_rows(Image& image);
Image transposed(const Image& image);
void rotate90(Image& image, int k);  // k of 0 … 3

// bilinear_tap (pixel_rules.h) of each output pixel.
struct Taps {
  std::vector<int> low, high;
  std::vector<float> weight;
};
Taps bilinear_taps(int in, int out);

ColourMap colour_map(const ColourChange& change);  // b = 0: grey_shift adds what depends on the picture

}  // namespace mr
