#include "ops/resize/resize_gpu.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

// A thread makes N channels of one pixel of y: of the pixel that it reads, plus those of `lateral` unless that is null. Neighbouring
// outputs of a row read one pixel, from the cache.
template <class T> struct Upsample {
  const T* lateral;  // [N,OH,OW,C], or null
  const T* x;        // [N,H,W,C]
  T* y;
  NearestSizes<int> s;

  template <int N> __device__ void at(int row, int c) const {
    const PixelAt o(row, s.OH, s.OW);
    const int64_t to = int64_t{row} * s.C + c, source = (int64_t{o.n} * s.H + s.source_row(o.h)) * s.W + s.source_column(o.w);
    if (lateral) {
      auto v = load_lanes<N>(lateral + to);
      const auto u = load_lanes<N>(x + source * s.C + c);
      MR_UNROLL
      for (int k = 0; k < N; ++k) v[k] += u[k];
      store_lanes(y + to, v);
    } else {
      store(y + to, load<Pack<T, N>>(x + source * s.C + c));
    }
  }
};

// A thread makes N channels of one pixel of gx: the sum over the block of pixels that read it, in order.
template <class T> struct DownSum {
  const T* gy;
  T* gx;
  NearestSizes<int> s;

  template <int N> __device__ void at(int row, int c) const {
    const PixelAt p(row, s.H, s.W);
    const int i1 = s.first(p.h + 1, s.H, s.OH), j0 = s.first(p.w, s.W, s.OW), j1 = s.first(p.w + 1, s.W, s.OW);
    LaneArray<acc_t<T>, N> sum = {};
    for (int i = s.first(p.h, s.H, s.OH); i < i1; ++i)
      for (int j = j0; j < j1; ++j) {
        const auto g = load_lanes<N>(gy + ((int64_t{p.n} * s.OH + i) * s.OW + j) * s.C + c);
        MR_UNROLL
        for (int k = 0; k < N; ++k) sum[k] += g[k];
      }
    store_lanes(gx + int64_t{row} * s.C + c, sum);
  }
};

NearestSizes<int> narrow(const char* op, const NearestSizes<int64_t>& s) {
  check(s.H * s.OH <= most_rows && s.W * s.OW <= most_rows, op, ": a size times its target must be at most ", most_rows, ", got ", s.H,
        " x ", s.W, " to ", s.OH, " x ", s.OW);
  const auto i = [](int64_t v) { return static_cast<int>(v); };
  return {i(s.N), i(s.H), i(s.W), i(s.C), i(s.OH), i(s.OW)};
}

void upsample(const char* op, const Tensor& lateral, const Tensor& x, const NearestSizes<int64_t>& s, const Tensor& y) {
  dispatch_float(y.dtype(), op, [&]<class T>(T) {
    const Upsample<T> f{lateral.device_data<T>(), x.device_data<T>(), y.device_data<T>(), narrow(op, s)};
    for_channels<T>(op, s.N * s.OH * s.OW, s.C, f, f.lateral, f.x, f.y);
  });
}

}  // namespace

void upsample_nearest(const Tensor& x, const NearestSizes<int64_t>& s, const Tensor& y) { upsample("upsample_nearest", {}, x, s, y); }

void add_upsampled(const Tensor& lateral, const Tensor& coarse, const NearestSizes<int64_t>& s, const Tensor& y) {
  upsample("add_upsampled", lateral, coarse, s, y);
}

void upsample_nearest_backward(const Tensor& gy, const NearestSizes<int64_t>& s, const Tensor& gx) {
  dispatch_float(gx.dtype(), "upsample_nearest_backward", [&]<class T>(T) {
    const DownSum<T> f{gy.device_data<T>(), gx.device_data<T>(), narrow("upsample_nearest", s)};
    for_channels<T>("upsample_nearest_backward", s.N * s.H * s.W, s.C, f, f.gy, f.gx);
  });
}

}  // namespace mr::gpu
