#include "ops/resize/resize_gpu.h"
#include "ops/resize/taps.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

struct Sizes {
  int H, W, C, OH, OW;
};

// A thread makes N channels of one pixel of y, from four pixels; a warp reads neighbouring channels of each.
template <class T> struct Resize {
  const T* x;  // [N,H,W,C]
  T* y;        // [N,OH,OW,C]
  Sizes s;

  template <int N> __device__ void at(int row, int c) const {
    using A = acc_t<T>;
    const PixelAt o(row, s.OH, s.OW);
    const BilinearTaps v = bilinear_taps(o.h, s.H, s.OH), u = bilinear_taps(o.w, s.W, s.OW);
    const A w00 = static_cast<A>((1 - v.l) * (1 - u.l)), w01 = static_cast<A>((1 - v.l) * u.l);
    const A w10 = static_cast<A>(v.l * (1 - u.l)), w11 = static_cast<A>(v.l * u.l);
    const T *r0 = x + (int64_t{o.n} * s.H + v.i0) * s.W * s.C + c, *r1 = x + (int64_t{o.n} * s.H + v.i1) * s.W * s.C + c;
    const auto x00 = load_lanes<N>(r0 + u.i0 * s.C), x01 = load_lanes<N>(r0 + u.i1 * s.C);
    const auto x10 = load_lanes<N>(r1 + u.i0 * s.C), x11 = load_lanes<N>(r1 + u.i1 * s.C);
    LaneArray<A, N> r;
    MR_UNROLL
    for (int k = 0; k < N; ++k) r[k] = w00 * x00[k] + w01 * x01[k] + w10 * x10[k] + w11 * x11[k];
    store_lanes(y + int64_t{row} * s.C + c, r);
  }
};

// A thread makes N channels of one pixel of gx: the sum over the outputs that read it, rows and columns in rising order.
template <class T> struct ResizeBackward {
  const T* gy;
  T* gx;
  Sizes s;

  template <int N> __device__ void at(int row, int c) const {
    using A = acc_t<T>;
    const PixelAt p(row, s.H, s.W);
    const auto j0 = bilinear_first_reader(p.w, s.W, s.OW);
    LaneArray<A, N> sum = {};
    for (int64_t i = bilinear_first_reader(p.h, s.H, s.OH); i < s.OH; ++i) {
      const BilinearTaps v = bilinear_taps(i, s.H, s.OH);
      if (v.i0 > p.h) break;
      const double wy = v.weight_of(p.h);
      for (int64_t j = j0; j < s.OW && wy != 0; ++j) {
        const BilinearTaps u = bilinear_taps(j, s.W, s.OW);
        if (u.i0 > p.w) break;
        const double wx = u.weight_of(p.w);
        if (wx == 0) continue;
        const A weight = static_cast<A>(wy * wx);
        const auto g = load_lanes<N>(gy + ((int64_t{p.n} * s.OH + i) * s.OW + j) * s.C + c);
        MR_UNROLL
        for (int k = 0; k < N; ++k) sum[k] += weight * g[k];
      }
    }
    store_lanes(gx + int64_t{row} * s.C + c, sum);
  }
};

Sizes sizes_of(const Tensor& x, const Tensor& y) {
  const auto i = [](int64_t v) { return static_cast<int>(v); };
  return {i(x.size(1)), i(x.size(2)), i(x.size(3)), i(y.size(1)), i(y.size(2))};
}

}  // namespace

void resize_bilinear(const Tensor& x, const Tensor& y) {
  dispatch_float(x.dtype(), "resize_bilinear", [&]<class T>(T) {
    const Resize<T> f{x.device_data<T>(), y.device_data<T>(), sizes_of(x, y)};
    for_channels<T>("resize_bilinear", y.size(0) * y.size(1) * y.size(2), y.size(3), f, f.x, f.y);
  });
}

void resize_bilinear_backward(const Tensor& gy, const Tensor& gx) {
  dispatch_float(gx.dtype(), "resize_bilinear_backward", [&]<class T>(T) {
    const ResizeBackward<T> f{gy.device_data<T>(), gx.device_data<T>(), sizes_of(gx, gy)};
    for_channels<T>("resize_bilinear_backward", gx.size(0) * gx.size(1) * gx.size(2), gx.size(3), f, f.gy, f.gx);
  });
}

}  // namespace mr::gpu
