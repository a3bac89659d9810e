// The image half of the transforms.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"

namespace mr {

void reverse_columns(Image& image);
void reverse_rows(Image& image);
Image transposed(const Image& image);

// Where output pixels of a bilinear resize come from: y[j] = (1 − w[j])·x[low[j]] + w[j]·x[high[j]], all in f32, as torch 2.15 does it
// for three channels: src = scale·(j + ½) − ½ in one rounding (at 1,200 pixels a second one would move it by 1e-4).
struct Taps {
  std::vector<int> low, high;
  std::vector<float> weight;
};
Taps bilinear_taps(int in, int out);

}  // namespace mr
