#include "ops/resize/nearest.h"

#include <cstring>

#include "ops/kernel.h"
#include "ops/resize/resize_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

using Sizes = NearestSizes<int64_t>;

// Row i of image n: copied.
template <class T> void upsample_row(const T* x, T* y, const Sizes& s, int64_t n, int64_t i) {
  const T* row = x + (n * s.H + s.source_row(i)) * s.W * s.C;
  for (int64_t j = 0; j < s.OW; ++j) std::memcpy(y + j * s.C, row + s.source_column(j) * s.C, static_cast<size_t>(s.C) * sizeof(T));
}

// Row i of image n: lateral + the coarse pixel above it.
template <int W, class T> void add_row(const T* lateral, const T* coarse, T* y, const Sizes& s, int64_t n, int64_t i) {
  const int64_t C = s.C;
  const T* row = coarse + (n * s.H + s.source_row(i)) * s.W * C;
  for (int64_t j = 0; j < s.OW; ++j) {
    const T *a = lateral + j * C, *b = row + s.source_column(j) * C;
    T* to = y + j * C;
    for_channels<W>(C, [=]<int L>(Lanes<L>, int64_t c) { store<L>(to + c, load<L>(a + c) + load<L>(b + c)); });
  }
}

// Row h of image n of the gradient: each pixel sums its block.
template <int W, class T> void downsum_row(const T* gy, T* gx, const Sizes& s, int64_t n, int64_t h) {
  const int64_t i0 = Sizes::first(h, s.H, s.OH), i1 = Sizes::first(h + 1, s.H, s.OH), C = s.C, OW = s.OW;
  const T* image = gy + n * s.OH * OW * C;
  for (int64_t w = 0; w < s.W; ++w) {
    const int64_t j0 = Sizes::first(w, s.W, OW), j1 = Sizes::first(w + 1, s.W, OW);
    T* to = gx + w * C;
    for_channels<W>(C, [=]<int L>(Lanes<L>, int64_t c) {
      Vec<acc_t<T>, L> sum{};
      for (int64_t i = i0; i < i1; ++i)
        for (int64_t j = j0; j < j1; ++j) sum += load<L>(image + (i * OW + j) * C + c);
      store<L>(to + c, sum);
    });
  }
}

Tensor downsum(const Tensor& gy, const Sizes& s) {
  const Tensor gx = Tensor::empty({s.N, s.H, s.W, s.C}, gy.dtype(), gy.device());
  if constexpr (gpu::exists) {
    if (gy.on_gpu()) return gpu::upsample_nearest_backward(gy, s, gx), gx;
  }
  dispatch_float(gx.dtype(), "upsample_nearest", [&]<class T>(T) {
    const T* from = gy.data<T>();
    T* to = gx.data<T>();
    parallel_ranges(s.N * s.H, grain_of(s.W * s.C * 4), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t r = begin; r < end; ++r) downsum_row<W>(from, to + r * s.W * s.C, s, r / s.H, r % s.H);
      });
    });
  });
  return gx;
}

Sizes sizes_of(const char* op, const Shape& x, int64_t out_h, int64_t out_w) {
  check(x.rank() == 4, op, ": the map must be [N,H,W,C], got ", x);
  check(x[1] > 0 && x[2] > 0, op, ": the map must have pixels, got ", x);
  check(out_h > 0 && out_w > 0, op, ": the target size must be positive, got ", out_h, " x ", out_w);
  return {x[0], x[1], x[2], x[3], out_h, out_w};
}

void upsample(const Tensor& x, const Sizes& s, const Tensor& y) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::upsample_nearest(x, s, y);
  }
  dispatch_float(x.dtype(), "upsample_nearest", [&]<class T>(T) {
    const T* from = x.data<T>();
    T* to = y.data<T>();
    parallel_for(s.N * s.OH, grain_of(s.OW * s.C), [=](int64_t r) { upsample_row(from, to + r * s.OW * s.C, s, r / s.OH, r % s.OH); });
  });
}

void add_upsampled(const Tensor& lateral, const Tensor& coarse, const Sizes& s, const Tensor& y) {
  if constexpr (gpu::exists) {
    if (y.on_gpu()) return gpu::add_upsampled(lateral, coarse, s, y);
  }
  dispatch_float(y.dtype(), "add_upsampled", [&]<class T>(T) {
    const T *a = lateral.data<T>(), *b = coarse.data<T>();
    T* to = y.data<T>();
    parallel_ranges(s.N * s.OH, grain_of(s.OW * s.C), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t r = begin; r < end; ++r) {
          const int64_t at = r * s.OW * s.C;
          add_row<W>(a + at, b, to + at, s, r / s.OH, r % s.OH);
        }
      });
    });
  });
}

}  // namespace

Var upsample_nearest(const Var& x, int out_h, int out_w) {
  const Sizes s = sizes_of("upsample_nearest", x.shape(), out_h, out_w);
  const Tensor y = Tensor::empty({s.N, s.OH, s.OW, s.C}, x.dtype(), x.value().device());
  upsample(x.value(), s, y);
  return record("upsample_nearest", {x}, y, [s](Grads& g) { g.give(0, downsum(g.out(), s)); });
}

Var add_upsampled(const Var& lateral, const Var& coarse) {
  const Shape& l = lateral.shape();
  check(l.rank() == 4, "add_upsampled: lateral must be [N,H,W,C], got ", l);
  const Sizes s = sizes_of("add_upsampled", coarse.shape(), l[1], l[2]);
  check(l[0] == s.N && l[3] == s.C, "add_upsampled: lateral and coarse must agree in N and C, got ", l, " and ", coarse.shape());
  check(lateral.dtype() == coarse.dtype(), "add_upsampled: lateral and coarse must have the same type, got ", lateral.dtype(), " and ",
        coarse.dtype());
  const Tensor y = Tensor::empty_like(lateral.value());
  add_upsampled(lateral.value(), coarse.value(), s, y);
  return record("add_upsampled", {lateral, coarse}, y, [s](Grads& g) {
    g.give(0, g.out());
    if (g.needs(1)) g.give(1, downsum(g.out(), s));
  });
}

}  // namespace mr
