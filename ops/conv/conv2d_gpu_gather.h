// Convolution as a product whose left side is gathered (an "implicit GEMM"): the patch matrix of
// im2col is never written, its elements are found in the map when a tile of it is needed.
//
//   to [rows, to_channels] = patches [rows, taps · from_channels] · weights [taps · from_channels, to_channels]
//
//   forward   a row is a pixel of y; it reads x through all taps
//   data      a row is a pixel of gx; it reads gy through those taps that lead to an output. With stride s these are other taps for each
//             (h mod s, w mod s): s² products, the classes, each of them dense
#pragma once

#include "ops/conv/conv2d_rungs.h"
#include "tensor/hd.h"

namespace mr::gpu {

// One axis of the map (height or width), for one class.
struct GatherAxis {
  int from, rows;            // positions of the map that is read; rows of the product along this axis
  int scale, first, step;    // row i reads position i·scale + first + t·step through its t-th tap …
  int taps, tap0, tap_step;  // … which is tap tap0 + t·tap_step of the kernel …
  int to0, to_step;          // … and is written to position to0 + i·to_step
};

struct GatherShape {
  Conv2dPass pass;
  int N, H, W, OH, OW, kH, kW, stride, padding, dilation;
  int from_channels, to_channels;

  MR_HD bool forward() const { return pass == Conv2dPass::forward; }
  MR_HD int classes() const { return forward() ? 1 : stride * stride; }
  MR_HD GatherAxis axis_h(int number) const { return forward() ? all_taps(H, OH, kH) : some_taps(OH, H, kH, number / stride); }
  MR_HD GatherAxis axis_w(int number) const { return forward() ? all_taps(W, OW, kW) : some_taps(OW, W, kW, number % stride); }

  // The pixel of the output that row `row` of a class is.
  MR_HD int64_t to_pixel(const GatherAxis& h, const GatherAxis& w, int row) const {
    const int n = row / (h.rows * w.rows), i = row / w.rows % h.rows, j = row % w.rows;
    return (int64_t{n} * (forward() ? OH : H) + h.to0 + i * h.to_step) * (forward() ? OW : W) + w.to0 + j * w.to_step;
  }

  MR_HD GatherAxis all_taps(int from, int to, int kernel) const { return {from, to, stride, -padding, dilation, kernel, 0, 1, 0, 1}; }

  // The rows h ≡ r (mod stride) read output (h + padding − k·dilation) / stride through the taps k
  // for which that is whole.
  MR_HD GatherAxis some_taps(int from, int to, int kernel, int r) const {
    GatherAxis a{from, r < to ? (to - r + stride - 1) / stride : 0, 1, 0, 0, 0, 0, 1, r, stride};
    for (int k = 0; k < kernel; ++k) {
      if ((r + padding - k * dilation) % stride != 0) continue;
      if (a.taps == 0) a.tap0 = k;
      if (a.taps == 1) a.tap_step = k - a.tap0;
      ++a.taps;
    }
    a.first = (r + padding - a.tap0 * dilation) / stride;
    a.step = -a.tap_step * dilation / stride;
    return a;
  }
};

inline GatherShape gather_shape(const Conv2dCase& c, Conv2dPass pass) {
  const auto i = [](int64_t v) { return static_cast<int>(v); };
  const bool forward = pass == Conv2dPass::forward;
  return {pass,
          i(c.N),
          i(c.H),
          i(c.W),
          i(c.OH),
          i(c.OW),
          i(c.kH),
          i(c.kW),
          c.stride,
          c.padding,
          c.dilation,
          i(forward ? c.Cin : c.Cout),
          i(forward ? c.Cout : c.Cin)};
}

// What the gathering kernels count in int.
inline bool gathers(const Conv2dCase& c) {
  constexpr int64_t most = 1 << 30;
  return c.groups == 1 && c.N * c.H * c.W < most && c.out_pixels() < most && c.Cout * c.kH * c.kW * c.Cin < most;
}

}  // namespace mr::gpu
