#include "ops/pool/pool_gpu.h"
#include "tensor/gpu/column_sums.h"

namespace mr::gpu {
namespace {

// A block makes the means of one image.
template <class T> struct Average {
  using Sum = acc_t<T>;
  const T* x;  // [N, pixels, C]
  T* y;        // [N, C]
  int pixels;
  int64_t C;

  template <int N> __device__ void at(const Columns<N, Sum>& columns) const {
    const int64_t image = int64_t{blockIdx.x} * pixels;
    LaneArray<Sum, N> sum = {};
    if (columns.inside)
      for (int p = columns.y; p < pixels; p += columns.height) {
        const auto v = load_lanes<N>(x + (image + p) * C + columns.c);
        MR_UNROLL
        for (int k = 0; k < N; ++k) sum[k] += v[k];
      }
    sum = columns.sum(sum);
    MR_UNROLL
    for (int k = 0; k < N; ++k) sum[k] /= static_cast<Sum>(pixels);
    if (columns.leader) store_lanes(y + int64_t{blockIdx.x} * C + columns.c, sum);
  }
};

// A thread makes N channels of one pixel of gx.
template <class T> struct Spread {
  const T* gy;
  T* gx;
  int pixels;
  int64_t C;

  template <int N> __device__ void at(int row, int c) const {
    auto g = load_lanes<N>(gy + row / pixels * C + c);
    MR_UNROLL
    for (int k = 0; k < N; ++k) g[k] /= static_cast<acc_t<T>>(pixels);
    store_lanes(gx + row * C + c, g);
  }
};

}  // namespace

void global_average_pool(const Tensor& x, const Tensor& y) {
  dispatch_float(x.dtype(), "global_average_pool", [&]<class T>(T) {
    const Average<T> f{x.device_data<T>(), y.device_data<T>(), static_cast<int>(x.size(1) * x.size(2)), x.size(3)};
    for_columns<T>("global_average_pool", x.size(0), x.size(3), f, f.x, f.y);
  });
}

void global_average_pool_backward(const Tensor& gy, const Tensor& gx) {
  const int64_t pixels = gx.size(1) * gx.size(2);
  dispatch_float(gx.dtype(), "global_average_pool_backward", [&]<class T>(T) {
    const Spread<T> f{gy.device_data<T>(), gx.device_data<T>(), static_cast<int>(pixels), gx.size(3)};
    for_channels<T>("global_average_pool_backward", gx.size(0) * pixels, gx.size(3), f, f.gy, f.gx);
  });
}

}  // namespace mr::gpu
