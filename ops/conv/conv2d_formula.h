// The formula of conv2d for one output of a pass, for either device. X, W and R are what elements
// are read from: a pointer on the CPU, the checked reads of a kernel (tensor/gpu/pack.h) on a GPU.
// Sums are held in A, in the order of the loops.
#pragma once

#include "ops/conv/conv2d_rungs.h"
#include "tensor/hd.h"

namespace mr {

// The position in x that output position `o` reads through tap `k`.
MR_HD inline int64_t conv2d_read_at(const Conv2dCase& c, int64_t o, int64_t k) { return o * c.stride + k * c.dilation - c.padding; }

// y[pixel, o]
template <class A, class X, class W> MR_HD A conv2d_forward_sum(const Conv2dCase& c, X x, W w, int64_t pixel, int64_t o) {
  const int64_t in = c.Cin / c.groups, out = c.Cout / c.groups;
  const int64_t n = pixel / (c.OH * c.OW), i = pixel / c.OW % c.OH, j = pixel % c.OW;
  A sum = 0;
  for (int64_t p = 0; p < c.kH; ++p)
    for (int64_t q = 0; q < c.kW; ++q) {
      const int64_t h = conv2d_read_at(c, i, p), v = conv2d_read_at(c, j, q);
      if (h < 0 || h >= c.H || v < 0 || v >= c.W) continue;
      const X from = x + (((n * c.H + h) * c.W + v) * c.Cin + o / out * in);
      const W weight = w + ((o * c.kH + p) * c.kW + q) * in;
      for (int64_t k = 0; k < in; ++k) sum += static_cast<A>(from[k]) * static_cast<A>(weight[k]);
    }
  return sum;
}

// gx[pixel, k]
template <class A, class X, class W> MR_HD A conv2d_data_sum(const Conv2dCase& c, X gy, W w, int64_t pixel, int64_t k) {
  const int64_t in = c.Cin / c.groups, out = c.Cout / c.groups;
  const int64_t n = pixel / (c.H * c.W), h = pixel / c.W % c.H, v = pixel % c.W;
  A sum = 0;
  for (int64_t p = 0; p < c.kH; ++p)
    for (int64_t q = 0; q < c.kW; ++q) {
      const int64_t i = h + c.padding - p * c.dilation, j = v + c.padding - q * c.dilation;  // stride times the output position
      if (i < 0 || j < 0 || i % c.stride || j % c.stride || i / c.stride >= c.OH || j / c.stride >= c.OW) continue;
      const X from = gy + ((n * c.OH + i / c.stride) * c.OW + j / c.stride) * c.Cout;
      for (int64_t o = k / in * out; o < (k / in + 1) * out; ++o)
        sum += static_cast<A>(from[o]) * static_cast<A>(w[((o * c.kH + p) * c.kW + q) * in + k % in]);
    }
  return sum;
}

// Calls f(pixel of y, offset in x of its tap (p, q))
// for those that lie inside the map: the terms of gw[·,p,q,·].
template <class F> MR_HD void conv2d_each_read(const Conv2dCase& c, int64_t p, int64_t q, F&& f) {
  for (int64_t pixel = 0; pixel < c.out_pixels(); ++pixel) {
    const int64_t n = pixel / (c.OH * c.OW), h = conv2d_read_at(c, pixel / c.OW % c.OH, p), v = conv2d_read_at(c, pixel % c.OW, q);
    if (h >= 0 && h < c.H && v >= 0 && v < c.W) f(pixel, ((n * c.H + h) * c.W + v) * c.Cin);
  }
}

// relu(sum · scale[channel] + shift[channel] + residual[at]); null for what is not there.
template <class S, class R> struct Conv2dFinishOf {
  S scale, shift;
  R residual;
  bool relu;
  template <class A> MR_HD A operator()(A sum, int64_t channel, int64_t at) const {
    if (scale) sum *= static_cast<A>(scale[channel]);
    if (shift) sum += static_cast<A>(shift[channel]);
    if (residual) sum += static_cast<A>(residual[at]);
    return relu && sum < 0 ? A(0) : sum;
  }
};

// bias · scale + shift: the bias, folded into the shift.
MR_HD inline double conv2d_folded_shift(double bias, double scale, double shift) { return bias * scale + shift; }

}  // namespace mr
