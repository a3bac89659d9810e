// Where a keypoint is, and what the bicubic resizing of its map reads, for either device. The
// definitions are in keypoint.h.
#pragma once

#include <algorithm>
#include <cmath>

#include "tensor/hd.h"

namespace mr {

// The cell of m that t lies in, of a box [lo, hi]; −1: outside.
MR_HD inline int cell_of(float t, float lo, float hi, int m) {
  if (!(hi > lo) || !(t >= lo && t <= hi)) return -1;
  return std::min(static_cast<int>(std::floor((t - lo) * static_cast<float>(m) / (hi - lo))), m - 1);
}

// Keys' cubic with a = −¾ about a position between cells 0 and 1 of −1 … 2.
MR_HD inline void cubic(double t, double (&w)[4]) {
  constexpr double a = -0.75;
  const auto near = [](double u) { return ((a + 2) * u - (a + 3)) * u * u + 1; };
  const auto far = [](double u) { return ((u - 5) * u + 8) * u * a - 4 * a; };
  w[0] = far(1 + t);
  w[1] = near(t);
  w[2] = near(1 - t);
  w[3] = far(2 - t);
}

// What output i of `out` reads of m cells: four cells and their weights.
struct CubicTaps {
  int cell[4];
  double weight[4];

  MR_HD CubicTaps(int i, int out, int m) {
    const double s = (i + 0.5) * m / out - 0.5, low = std::floor(s);
    cubic(s - low, weight);
    for (int k = 0; k < 4; ++k) cell[k] = std::clamp(static_cast<int>(low) - 1 + k, 0, m - 1);
  }
};

// The size in pixels that the map of a box is resized to, along one axis of length `extent`.
struct KeypointAxis {
  float extent, pixels;
  MR_HD explicit KeypointAxis(float length) : extent(std::max(length, 1.0f)), pixels(std::ceil(extent)) {}
  MR_HD float centre(float begin, int i) const { return begin + (static_cast<float>(i) + 0.5f) * extent / pixels; }
};

}  // namespace mr
