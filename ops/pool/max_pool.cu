#include "ops/pool/pool_gpu.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

// A thread makes N channels of one output: the window's pixels lie C apart, and a warp reads neighbouring channels of each. Windows that
// overlap read from the cache.
template <class T, bool with_place> struct MaxPool {
  const T* x;      // [N,H,W,C]
  T* y;            // [N,OH,OW,C]
  uint8_t* place;  // as y
  PoolWindow<int> win;

  template <int N> __device__ void at(int row, int c) const {
    const PixelAt o(row, win.OH, win.OW);
    const int h0 = win.begin(o.h), h1 = win.end(o.h, win.H), w0 = win.begin(o.w), w1 = win.end(o.w, win.W);
    const T* image = x + int64_t{o.n} * win.H * win.W * win.C + c;
    LaneArray<acc_t<T>, N> best = load_lanes<N>(image + int64_t{h0 * win.W + w0} * win.C);
    Pack<uint8_t, N> where;
    MR_UNROLL
    for (int k = 0; k < N; ++k) where[k] = static_cast<uint8_t>(win.place(h0, w0, o.h, o.w));
    for (int h = h0; h < h1; ++h)
      for (int w = w0; w < w1; ++w) {
        const auto value = load_lanes<N>(image + int64_t{h * win.W + w} * win.C);
        const auto here = static_cast<uint8_t>(win.place(h, w, o.h, o.w));
        MR_UNROLL
        for (int k = 0; k < N; ++k) {
          const bool better = exceeds(value[k], best[k]);
          best[k] = better ? value[k] : best[k];
          where[k] = better ? here : where[k];
        }
      }
    store_lanes(y + int64_t{row} * win.C + c, best);
    if constexpr (with_place) store(place + int64_t{row} * win.C + c, where);
  }
};

// A thread computes N channels of one pixel of gx: it goes in order through the windows that hold
// the pixel, and adds the gradient of those whose maximum it was.
template <class T> struct MaxUnpool {
  const T* gy;
  const uint8_t* place;
  T* gx;
  PoolWindow<int> win;

  template <int N> __device__ void at(int row, int c) const {
    const PixelAt p(row, win.H, win.W);
    const int i1 = win.last(p.h, win.OH), j0 = win.first(p.w), j1 = win.last(p.w, win.OW);
    LaneArray<acc_t<T>, N> sum = {};
    for (int i = win.first(p.h); i < i1; ++i)
      for (int j = j0; j < j1; ++j) {
        const int64_t from = (int64_t{p.n} * win.OH * win.OW + i * win.OW + j) * win.C + c;
        const auto where = load<Pack<uint8_t, N>>(place + from);
        const auto g = load_lanes<N>(gy + from);
        const int here = win.place(p.h, p.w, i, j);
        MR_UNROLL
        for (int k = 0; k < N; ++k) sum[k] += where[k] == here ? g[k] : 0;
      }
    store_lanes(gx + int64_t{row} * win.C + c, sum);
  }
};

PoolWindow<int> narrow(const PoolWindow<int64_t>& w) {
  const auto i = [](int64_t v) { return static_cast<int>(v); };
  return {i(w.H), i(w.W), i(w.C), i(w.OH), i(w.OW), w.size, w.stride, w.padding};
}

}  // namespace

void max_pool2d(const Tensor& x, const PoolWindow<int64_t>& window, const Tensor& y, const Tensor& place) {
  const int64_t rows = y.size(0) * window.OH * window.OW;
  dispatch_float(x.dtype(), "max_pool2d", [&]<class T>(T) {
    const auto run = [&]<bool with_place>(std::bool_constant<with_place>) {
      const MaxPool<T, with_place> f{x.device_data<T>(), y.device_data<T>(), place.device_data<uint8_t>(), narrow(window)};
      for_channels<T>("max_pool2d", rows, window.C, f, f.x, f.y, f.place);
    };
    if (place.defined())
      run(std::true_type{});
    else
      run(std::false_type{});
  });
}

void max_pool2d_backward(const Tensor& gy, const Tensor& place, const PoolWindow<int64_t>& window, const Tensor& gx) {
  dispatch_float(gx.dtype(), "max_pool2d_backward", [&]<class T>(T) {
    const MaxUnpool<T> f{gy.device_data<T>(), place.device_data<uint8_t>(), gx.device_data<T>(), narrow(window)};
    for_channels<T>("max_pool2d_backward", gx.size(0) * window.H * window.W, window.C, f, f.gy, f.place, f.gx);
  });
}

}  // namespace mr::gpu
