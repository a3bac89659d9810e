// The gradient at a few positions on a GPU, as on the CPU: patches are gathered, two small products by the vendor's library follow, and the
// last is brought back to the map. There it is not scattered but gathered again: each pixel of x asks the outputs that read it which rows
// of the list stand on them, and adds tap by tap, and within a tap in the order of the list. A row whose position is outside y takes no
// part, whatever its gy holds.
#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_kernel.h"
#include "ops/elementwise/gather_gpu.h"
#include "ops/elementwise/readers.h"
#include "ops/gemm/gemm_gpu.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

constexpr int level_threads = 256;

// g = gy through the ReLU, or 0 where there is no row. A thread takes N channels of one.
template <class T, class I> struct Through {
  const I* position;  // [S]
  const T *gy, *y;    // [S,Cout]; y null: no ReLU
  T* g;
  int64_t pixels, C;

  template <int N> __device__ void at(int row, int c) const {
    const auto pixel = static_cast<int64_t>(load<I>(position + row));
    const int64_t from = row * C + c;
    LaneArray<acc_t<T>, N> v = {};
    if (0 <= pixel && pixel < pixels) {
      v = load_lanes<N>(gy + from);
      if (y) {
        const auto through = load_lanes<N>(y + from);
        MR_UNROLL
        for (int k = 0; k < N; ++k) v[k] = through[k] > 0 ? v[k] : 0;
      }
    }
    store_lanes(g + from, v);
  }
};

// patches [S, taps, Cin]: a thread copies N channels of one tap of one row; 0 outside the map, and where there is no row.
template <class T, class I> struct Patches {
  Conv2dCase c;
  const I* position;
  const T* x;
  T* patches;

  template <int N> __device__ void at(int row, int channel) const {
    const int64_t taps = c.kH * c.kW, tap = row % taps;
    const auto pixel = static_cast<int64_t>(load<I>(position + row / taps));
    Pack<T, N> v = {};
    if (0 <= pixel && pixel < c.out_pixels()) {
      const int64_t n = pixel / (c.OH * c.OW), h = conv2d_read_at(c, pixel / c.OW % c.OH, tap / c.kW),
                    w = conv2d_read_at(c, pixel % c.OW, tap % c.kW);
      if (0 <= h && h < c.H && 0 <= w && w < c.W) v = load<Pack<T, N>>(x + ((n * c.H + h) * c.W + w) * c.Cin + channel);
    }
    store(patches + row * c.Cin + channel, v);
  }
};

// gx [pixels, Cin] from the gradients of the patches: a thread sums N channels of one pixel. Most
// pixels are in no patch.
template <class T, class I> struct Collect {
  Conv2dCase c;
  ReadersOf<I> readers;     // of the pixels of y
  const acc_t<T>* patches;  // [S, taps, Cin]
  const T* before;          // [pixels, Cin], what to add to; or null
  T* gx;

  template <int N> __device__ void at(int row, int channel) const {
    const int64_t n = row / (c.H * c.W), h = row / c.W % c.H, w = row % c.W, to = row * c.Cin + channel;
    LaneArray<acc_t<T>, N> sum = {};
    if (before) sum = load_lanes<N>(before + to);
    for (int64_t p = 0; p < c.kH; ++p)
      for (int64_t q = 0; q < c.kW; ++q) {
        const int64_t i = h + c.padding - p * c.dilation, j = w + c.padding - q * c.dilation;  // stride times the output position
        if (i < 0 || j < 0 || i % c.stride || j % c.stride || i / c.stride >= c.OH || j / c.stride >= c.OW) continue;
        readers.each((n * c.OH + i / c.stride) * c.OW + j / c.stride, [&](int64_t s) {
          const auto v = load_wide<N>(patches + ((s * c.kH + p) * c.kW + q) * c.Cin + channel);
          MR_UNROLL
          for (int k = 0; k < N; ++k) sum[k] += v[k];
        });
      }
    store_lanes(gx + to, sum);
  }
};

__global__ void cells_of_level_kernel(const int32_t* level, const int32_t* cell, int32_t* cells, int32_t wanted, int64_t n) {
  const int64_t i = int64_t{blockIdx.x} * level_threads + int64_t{threadIdx.x};
  if (i < n) store(cells + i, load<int32_t>(level + i) == wanted ? load<int32_t>(cell + i) : -1);
}

}  // namespace

Tensor cells_of_level(const Tensor& level, const Tensor& cell, int32_t wanted) {
  const Tensor cells = Tensor::empty_like(cell);
  const int64_t n = cell.numel();
  if (n > 0)
    launch("cells_of_level", {(n + level_threads - 1) / level_threads}, {level_threads}, 0, compute_stream(), cells_of_level_kernel,
           level.device_data<int32_t>(), cell.device_data<int32_t>(), cells.device_data<int32_t>(), wanted, n);
  return cells;
}

Conv2dGrads conv2d_sparse_backward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dSparse& sparse, bool want_gx,
                                   bool want_gw, const Tensor& gx) {
  const int64_t S = sparse.at.numel(), taps = c.kH * c.kW, K = taps * c.Cin;
  const Tensor gy = sparse.gy.to(c.dtype), y = sparse.y.defined() ? sparse.y.to(c.dtype) : Tensor();
  const Tensor g = Tensor::empty(gy.shape(), c.dtype, c.device);
  Conv2dGrads out;
  dispatch_float(c.dtype, "conv2d_sparse_backward", [&]<class T>(T) {
    with_index(sparse.at, [&]<class I>(const I* at) {
      const Through<T, I> through{at, gy.device_data<T>(), y.device_data<T>(), g.device_data<T>(), c.out_pixels(), c.Cout};
      for_channels<T>("conv2d_sparse_through", S, c.Cout, through, through.gy, through.y, through.g);
      if (want_gw) {
        finish_backward(g, {}, g, &out.gb);
        const Tensor patches = Tensor::empty({S, K}, c.dtype, c.device);
        const Patches<T, I> gather{c, at, x.device_data<T>(), patches.device_data<T>()};
        for_channels<T>("conv2d_sparse_patches", S * taps, c.Cin, gather, gather.x, gather.patches);
        out.gw = Tensor::empty(c.w_shape(), c.sum_dtype(), c.device);
        linear_weight_gradient(g, patches, out.gw.reshape({c.Cout, K}));
      }
      if (want_gx) {
        const Tensor patches = Tensor::empty({S, K}, c.sum_dtype(), c.device);
        linear_input_gradient(g, weights_as(w, c.dtype).reshape({c.Cout, K}), patches);
        out.gx = gx.defined() ? gx : Tensor::empty(c.x_shape(), c.dtype, c.device);
        const Readers r = readers(sparse.at, c.out_pixels());
        const Collect<T, I> collect{c,
                                    {at, r.first.device_data<int>(), r.count.device_data<int>()},
                                    patches.device_data<acc_t<T>>(),
                                    gx.device_data<T>(),
                                    out.gx.device_data<T>()};
        for_channels<T>("conv2d_sparse_collect", c.N * c.H * c.W, c.Cin, collect, collect.patches, collect.gx);
      }
    });
  });
  return out;
}

}  // namespace mr::gpu
