#include "ops/pool/max_pool.h"

#include "ops/kernel.h"
#include "ops/pool/pool_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

using Window = PoolWindow<int64_t>;

template <class T> using index_t =
    std::conditional_t<std::is_same_v<T, double>, int64_t, int32_t>;  // as wide as acc_t<T>: lanes can be compared

// Row i of the pooled map of one image. `place` is null when no gradient is wanted.
template <int W, bool with_place, class T> void pool_row(const T* x, T* y, uint8_t* place, const Window& k, int64_t i) {
  const Window win = k;
  const int64_t h0 = win.begin(i), h1 = win.end(i, win.H);
  for (int64_t j = 0; j < win.OW; ++j) {
    const int64_t w0 = win.begin(j), w1 = win.end(j, win.W);
    const int first = win.place(h0, w0, i, j);
    for_channel_groups<W, 4>(win.C, [=]<int L, int n>(Lanes<L>, Group<n>, int64_t c) {
      const T* corner = x + (h0 * win.W + w0) * win.C + c;
      Vec<acc_t<T>, L> best[n];
      Vec<index_t<T>, L> where[n];
      for (int v = 0; v < n; ++v) {
        best[v] = load<L>(corner + v * L);
        where[v] = splat<L>(static_cast<index_t<T>>(first));
      }
      for (int64_t h = 0; h < h1 - h0; ++h) {
        const T* pixel = corner + h * win.W * win.C;
        index_t<T> here = static_cast<index_t<T>>(first + h * win.size);
        for (int64_t w = 0; w < w1 - w0; ++w, pixel += win.C, ++here) {
          for (int v = 0; v < n; ++v) {
            const auto value = load<L>(pixel + v * L);
            const auto better = exceeds(value, best[v]);
            best[v] = better ? value : best[v];
            if constexpr (with_place) where[v] = better ? splat<L>(here) : where[v];
          }
        }
      }
      for (int v = 0; v < n; ++v) {
        store<L>(y + j * win.C + c + v * L, best[v]);
        if constexpr (with_place) store<L>(place + j * win.C + c + v * L, convert_lanes<uint8_t, L>(where[v]));
      }
    });
  }
}

// Row h of the gradient of one image.
template <int W, class T> void unpool_row(const T* gy, const uint8_t* place, T* gx, const Window& k, int64_t h) {
  const Window win = k;
  const int64_t i0 = win.first(h), i1 = win.last(h, win.OH);
  for (int64_t w = 0; w < win.W; ++w) {
    const int64_t j0 = win.first(w), j1 = win.last(w, win.OW);
    for_channel_groups<W, 4>(win.C, [=]<int L, int n>(Lanes<L>, Group<n>, int64_t c) {
      Vec<acc_t<T>, L> sum[n] = {};
      for (int64_t i = i0; i < i1; ++i) {
        for (int64_t j = j0; j < j1; ++j) {
          const int64_t at = (i * win.OW + j) * win.C + c;
          const index_t<T> here = static_cast<index_t<T>>(win.place(h, w, i, j));
          for (int v = 0; v < n; ++v) {
            const auto where = convert_lanes<index_t<T>, L>(load<L>(place + at + v * L));
            const auto g = load<L>(gy + at + v * L);
            sum[v] += where == here ? g : decltype(g){};
          }
        }
      }
      for (int v = 0; v < n; ++v) store<L>(gx + w * win.C + c + v * L, sum[v]);
    });
  }
}

Window window(const Shape& x, const MaxPoolOptions& o) {
  check(o.size >= 1 && o.size <= 15, "max_pool2d: size must be 1 to 15, got ", o.size);
  check(o.stride >= 1, "max_pool2d: stride must be at least 1, got ", o.stride);
  check(o.padding >= 0 && 2 * o.padding <= o.size, "max_pool2d: padding must be 0 to half the size ", o.size, ", got ", o.padding);
  check(x.rank() == 4, "max_pool2d: x must be [N,H,W,C], got ", x);
  check(x[1] + 2 * o.padding >= o.size && x[2] + 2 * o.padding >= o.size, "max_pool2d: the map must hold a window of ", o.size, ", got ", x,
        " with padding ", o.padding);
  return {x[1],   x[2],     x[3],     (x[1] + 2 * o.padding - o.size) / o.stride + 1, (x[2] + 2 * o.padding - o.size) / o.stride + 1,
          o.size, o.stride, o.padding};
}

// y, and where each maximum stood unless `place` is undefined.
void pool(const Tensor& x, const Window& win, const Tensor& y, const Tensor& place) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::max_pool2d(x, win, y, place);
  }
  dispatch_float(x.dtype(), "max_pool2d", [&]<class T>(T) {
    const T* xv = x.data<T>();
    T* yv = y.data<T>();
    uint8_t* pv = place.defined() ? place.data<uint8_t>() : nullptr;
    parallel_ranges(x.size(0) * win.OH, grain_of(win.OW * win.C * win.size * win.size), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t r = begin; r < end; ++r) {
          const int64_t row = r * win.OW * win.C;
          const T* image = xv + r / win.OH * win.H * win.W * win.C;
          if (pv)
            pool_row<W, true>(image, yv + row, pv + row, win, r % win.OH);
          else
            pool_row<W, false>(image, yv + row, nullptr, win, r % win.OH);
        }
      });
    });
  });
}

void unpool(const Tensor& gy, const Tensor& place, const Window& win, const Tensor& gx) {
  if constexpr (gpu::exists) {
    if (gy.on_gpu()) return gpu::max_pool2d_backward(gy, place, win, gx);
  }
  dispatch_float(gx.dtype(), "max_pool2d", [&]<class T>(T) {
    const T* gv = gy.data<T>();
    const uint8_t* pv = place.data<uint8_t>();
    T* to = gx.data<T>();
    parallel_ranges(gx.size(0) * win.H, grain_of(win.W * win.C * 4), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t r = begin; r < end; ++r) {
          const int64_t image = r / win.H * win.OH * win.OW * win.C;
          unpool_row<W>(gv + image, pv + image, to + r * win.W * win.C, win, r % win.H);
        }
      });
    });
  });
}

}  // namespace

Var max_pool2d(const Var& x, const MaxPoolOptions& options) {
  const Window win = window(x.shape(), options);
  const Device device = x.value().device();
  const Tensor y = Tensor::empty({x.size(0), win.OH, win.OW, win.C}, x.dtype(), device);
  const Tensor place = needs_grad({x}) ? Tensor::empty(y.shape(), DType::u8, device) : Tensor();
  pool(x.value(), win, y, place);
  return record("max_pool2d", {x}, y, [place, win, shape = x.shape()](Grads& g) {
    const Tensor gx = Tensor::empty(shape, g.out().dtype(), g.out().device());
    unpool(g.out(), place, win, gx);
    g.give(0, gx);
  });
}

}  // namespace mr
