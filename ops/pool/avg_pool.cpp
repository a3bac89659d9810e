#include "ops/pool/avg_pool.h"

#include "ops/kernel.h"
#include "ops/pool/pool_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

constexpr int64_t strip = 512;  // channels that one piece of work takes

// Pixel after pixel, so that memory is read in long runs; the sums stay in the first-level cache.
template <int W, class T> void average(const T* x, int64_t H, int64_t width, int64_t C, int64_t channels, T* y) {
  using A = acc_t<T>;
  A row[strip], sum[strip];
  std::fill_n(sum, channels, A{});
  const auto add = [=](A* to, const auto* from) {
    for_channels<W>(channels, [=]<int L>(Lanes<L>, int64_t c) { store<L>(to + c, load<L>(to + c) + load<L>(from + c)); });
  };
  for (int64_t h = 0; h < H; ++h) {
    std::fill_n(row, channels, A{});
    for (int64_t w = 0; w < width; ++w) add(row, x + (h * width + w) * C);
    add(sum, row);
  }
  const A pixels = static_cast<A>(H * width);
  for_channels<W>(channels, [=, &sum]<int L>(Lanes<L>, int64_t c) { store<L>(y + c, load<L>(sum + c) / pixels); });
}

// x [N,H,W,C] → y [N,C]
void average_maps(const Tensor& x, const Tensor& y) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::global_average_pool(x, y);
  }
  const int64_t N = x.size(0), H = x.size(1), width = x.size(2), C = x.size(3);
  dispatch_float(x.dtype(), "global_average_pool", [&]<class T>(T) {
    const T* xv = x.data<T>();
    T* yv = y.data<T>();
    const int64_t strips = (C + strip - 1) / strip;
    parallel_ranges(N * strips, grain_of(H * width * strip), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t k = begin; k < end; ++k) {
          const int64_t n = k / strips, c = k % strips * strip;
          average<W>(xv + n * H * width * C + c, H, width, C, std::min(strip, C - c), yv + n * C + c);
        }
      });
    });
  });
}

void spread(const Tensor& gy, const Tensor& gx) {
  if constexpr (gpu::exists) {
    if (gy.on_gpu()) return gpu::global_average_pool_backward(gy, gx);
  }
  const int64_t pixels = gx.size(1) * gx.size(2), channels = gx.size(3);
  dispatch_float(gx.dtype(), "global_average_pool", [&]<class T>(T) {
    const T* from = gy.data<T>();
    T* to = gx.data<T>();
    const auto count = static_cast<acc_t<T>>(pixels);
    parallel_ranges(gx.size(0) * pixels, grain_of(channels), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t p = begin; p < end; ++p)
          for_channels<W>(channels, [=]<int L>(Lanes<L>, int64_t c) {
            store<L>(to + p * channels + c, load<L>(from + p / pixels * channels + c) / count);
          });
      });
    });
  });
}

}  // namespace

Var global_average_pool(const Var& x) {
  const Shape shape = x.shape();
  check(shape.rank() == 4, "global_average_pool: x must be [N,H,W,C], got ", shape);
  check(shape[1] * shape[2] > 0, "global_average_pool: the map must have pixels, got ", shape);
  const Tensor y = Tensor::empty({shape[0], shape[3]}, x.dtype(), x.value().device());
  average_maps(x.value(), y);
  return record("global_average_pool", {x}, y, [shape](Grads& g) {
    const Tensor gx = Tensor::empty(shape, g.out().dtype(), g.out().device());
    spread(g.out(), gx);
    g.give(0, gx);
  });
}

}  // namespace mr
