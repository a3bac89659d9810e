#include "ops/pool/avg_pool.h"

#include "ops/kernel.h"

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

}  // namespace

Var global_average_pool(const Var& x) {
  const Shape shape = x.shape();
  check(shape.rank() == 4, "global_average_pool: x must be [N,H,W,C], got ", shape);
  const int64_t N = shape[0], H = shape[1], width = shape[2], C = shape[3];
  check(H * width > 0, "global_average_pool: the map must have pixels, got ", shape);
  const Tensor y = Tensor::empty({N, C}, x.dtype());
  dispatch_float(x.dtype(), "global_average_pool", [&]<class T>(T) {
    const T* xv = x.value().data<T>();
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
  return record("global_average_pool", NoOptions{}, {x}, y, [shape](Grads& g) {
    const Tensor gx = Tensor::empty(shape, g.out().dtype());
    const int64_t pixels = shape[1] * shape[2], channels = shape[3];
    dispatch_float(gx.dtype(), "global_average_pool", [&]<class T>(T) {
      const T* gy = g.out().data<T>();
      T* gv = gx.data<T>();
      const auto count = static_cast<acc_t<T>>(pixels);
      parallel_ranges(shape[0] * pixels, grain_of(channels), [=](int64_t begin, int64_t end) {
        with_simd([=]<int W>(Lanes<W>) {
          for (int64_t p = begin; p < end; ++p)
            for_channels<W>(channels, [=]<int L>(Lanes<L>, int64_t c) {
              store<L>(gv + p * channels + c, load<L>(gy + p / pixels * channels + c) / count);
            });
        });
      });
    });
    g.give(0, gx);
  });
}

}  // namespace mr
