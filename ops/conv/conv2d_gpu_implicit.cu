// The last version: a gathered product (conv2d_gpu_gather.h), bf16 on the matrix units (f32 too,
// where the context asks for TF32), f32 and f64 by fused multiply-adds. Forward and data; the third
// pass is in conv2d_gpu_implicit_weights.cu.
//
//   - A block makes a tile of m pixels × n channels of the output, stepping through (tap, channel) 128 bytes at a time. What its threads do with
//     a step is in conv2d_gpu_sums.h.
//   - A tile of patches is m rows of 128 bytes: 8 neighbouring threads copy one row, whole sectors, from where the row's pixel and tap say;
//     outside the map, zeros. A tile of weights is n rows of 128 bytes, the weights lie [channel of the output, tap, channel].
//   - Copies are asynchronous (cp.async): while one step is multiplied, the next stages − 1 are on their way. One barrier a step.
#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_gather.h"
#include "ops/conv/conv2d_gpu_kernel.h"
#include "ops/conv/conv2d_gpu_sums.h"
#include "tensor/context.h"
#include "tensor/tensor_gpu.h"

namespace mr::gpu {
namespace {

template <class T, bool tf32 = false> using Small = Tile<T, 64, 64, 4, tf32>;
template <class T, bool tf32 = false> using Large = Tile<T, 128, 128, 3, tf32>;

template <class T> struct Product {
  Output<T> out;
  const T* from;  // [N, h, w, from_channels]
  const T* w;     // [to_channels, kH, kW, from_channels]
};

// What one thread copies: chunk threadIdx.x % 8 of every (threads / 8)-th row, at a place in (tap, channel) that moves on by a step.
template <class Tile> struct Copier {
  using T = typename Tile::T;
  static constexpr int rows_a = Tile::m * chunks / Tile::threads, rows_b = Tile::n * chunks / Tile::threads;

  const GatherShape& shape;
  const GatherAxis &h, &w;
  const T *from, *weights;
  int n0;                         // first channel of the tile
  const T* image[rows_a];         // of each row of the patches: its image
  int top[rows_a], left[rows_a];  // and the position of its first tap
  int tap_h = 0, tap_w = 0, channel = 0;

  __device__ Copier(const Product<T>& p, const GatherAxis& axis_h, const GatherAxis& axis_w, int m0, int first_n)
      : shape(p.out.shape), h(axis_h), w(axis_w), from(p.from), weights(p.w), n0(first_n) {
    MR_UNROLL
    for (int i = 0; i < rows_a; ++i) {
      const int row = m0 + row_of(i), n = row / (h.rows * w.rows);
      image[i] = from + int64_t{n} * h.from * w.from * shape.from_channels;
      top[i] = n < shape.N ? row / w.rows % h.rows * h.scale + h.first : -(1 << 30);  // rows behind the last lie outside the map
      left[i] = row % w.rows * w.scale + w.first;
    }
    move(chunk_of_thread() * Tile::chunk);
  }

  __device__ static int chunk_of_thread() { return static_cast<int>(threadIdx.x) % chunks; }
  __device__ static int row_of(int i) { return static_cast<int>(threadIdx.x) / chunks + i * (Tile::threads / chunks); }

  __device__ void move(int by) {
    channel += by;
    while (channel >= shape.from_channels) {
      channel -= shape.from_channels;
      if (++tap_w == w.taps) tap_w = 0, ++tap_h;
    }
  }

  // Begins the copies of one step and moves on.
  __device__ void copy(SharedArray<T> as, SharedArray<T> bs) {
    const int C = shape.from_channels, c = chunk_of_thread();
    const bool more = tap_h < h.taps;
    MR_UNROLL
    for (int i = 0; i < rows_a; ++i) {
      const int y = top[i] + tap_h * h.step, x = left[i] + tap_w * w.step;
      const bool inside = more && y >= 0 && y < h.from && x >= 0 && x < w.from;
      cp_async<16>(as + Tile::at(row_of(i), c), inside ? image[i] + (int64_t{y} * w.from + x) * C + channel : from, inside);
    }
    const int tap = (h.tap0 + tap_h * h.tap_step) * shape.kW + w.tap0 + tap_w * w.tap_step, taps = shape.kH * shape.kW;
    MR_UNROLL
    for (int i = 0; i < rows_b; ++i) {
      const int n = n0 + row_of(i);
      const bool inside = more && n < shape.to_channels;
      cp_async<16>(bs + Tile::at(row_of(i), c), inside ? weights + (int64_t{n} * taps + tap) * C + channel : weights, inside);
    }
    move(Tile::k);
  }
};

template <class Tile> __global__ void __launch_bounds__(Tile::threads) gathered_product_kernel(Product<typename Tile::T> p) {
  using T = typename Tile::T;
  constexpr int size_a = Tile::m * Tile::k, size_b = Tile::n * Tile::k, stages = Tile::stages;
  Shared shared;
  const auto as = shared.array<T>(stages * size_a), bs = shared.array<T>(stages * size_b);
  const GatherShape& shape = p.out.shape;
  const GatherAxis h = shape.axis_h(static_cast<int>(blockIdx.z)), w = shape.axis_w(static_cast<int>(blockIdx.z));
  const int tiles_n = (shape.to_channels + Tile::n - 1) / Tile::n, number = static_cast<int>(blockIdx.x);
  const int m0 = number / tiles_n * Tile::m, n0 = number % tiles_n * Tile::n;  // neighbouring blocks read the same patches
  if (m0 >= shape.N * h.rows * w.rows) return;                                 // a class with fewer rows than the largest
  const int steps = (h.taps * w.taps * shape.from_channels + Tile::k - 1) / Tile::k;

  Copier<Tile> copier(p, h, w, m0, n0);
  Sums<Tile> sums;
  multiply_steps<stages>(copier, sums, as, size_a, bs, size_b, steps);
  sums.finish(p.out, h, w, m0, n0);
}

template <class Tile> void launch_product(const Product<typename Tile::T>& p) {
  const GatherShape& s = p.out.shape;
  const GatherAxis h = s.axis_h(0), w = s.axis_w(0);  // the class with most rows
  const int64_t rows = int64_t{s.N} * h.rows * w.rows, tiles_m = (rows + Tile::m - 1) / Tile::m,
                tiles_n = (s.to_channels + Tile::n - 1) / Tile::n;
  launch(s.forward() ? "conv2d_implicit_forward" : "conv2d_implicit_data", {tiles_m * tiles_n, 1, s.classes()}, {Tile::threads},
         Tile::shared_bytes, compute_stream(), gathered_product_kernel<Tile>, p);
}

// Large tiles read less for each product, small ones give work to more multiprocessors. The choice is the same on every GPU.
bool fills_large(const GatherShape& s) {
  constexpr int64_t enough = 132;
  const int64_t rows = int64_t{s.N} * (s.forward() ? int64_t{s.OH} * s.OW : int64_t{s.H} * s.W);
  return s.to_channels > 64 && (rows / 128) * ((s.to_channels + 127) / 128) >= enough;
}

// [Cout, taps, Cin] → [Cin, taps, Cout] through tiles of 32×32 in shared memory (33 elements a row: no bank conflicts), so that reads and
// writes both run along rows. A block has one tap.
constexpr int side = 32, at_once = 8;

template <class From, class To> __global__ void transpose_weights_kernel(int Cout, int taps, int Cin, const From* w, To* t) {
  using A = acc_t<To>;
  Shared shared;
  const auto tile = shared.array<A>(side * (side + 1));
  const int u = static_cast<int>(threadIdx.x), o0 = static_cast<int>(blockIdx.y) * side, c0 = static_cast<int>(blockIdx.x) * side,
            tap = static_cast<int>(blockIdx.z);
  for (int v = static_cast<int>(threadIdx.y); v < side; v += at_once)
    if (o0 + v < Cout && c0 + u < Cin) tile[v * (side + 1) + u] = convert<A>(load<From>(w + (int64_t{o0 + v} * taps + tap) * Cin + c0 + u));
  __syncthreads();
  for (int v = static_cast<int>(threadIdx.y); v < side; v += at_once)
    if (c0 + v < Cin && o0 + u < Cout)
      store(t + (int64_t{c0 + v} * taps + tap) * Cout + o0 + u, convert<To>(static_cast<A>(tile[u * (side + 1) + v])));
}

template <class From, class To> void transpose_weights(const Conv2dCase& c, const Tensor& w, const Tensor& t) {
  launch("conv2d_transpose_weights", {(c.Cin + side - 1) / side, (c.Cout + side - 1) / side, c.kH * c.kW}, {side, at_once},
         SharedSize().array<acc_t<To>>(side * (side + 1)).bytes(), compute_stream(), transpose_weights_kernel<From, To>,
         static_cast<int>(c.Cout), static_cast<int>(c.kH * c.kW), static_cast<int>(c.Cin), w.device_data<From>(), t.device_data<To>());
}

Tensor transposed_weights(const Conv2dCase& c, const Var& weights) {
  return weights.derived(str("transposed ", c.dtype).c_str(), [&](const Tensor& w) {
    const Tensor t = Tensor::empty({c.Cin, c.kH, c.kW, c.Cout}, c.dtype, w.device());
    if (c.dtype == DType::f64)
      transpose_weights<double, double>(c, w, t);
    else if (c.dtype == DType::f32)
      transpose_weights<float, float>(c, w.to(DType::f32), t);
    else if (w.dtype() == DType::f32)
      transpose_weights<float, bf16>(c, w, t);
    else
      transpose_weights<bf16, bf16>(c, w, t);
    return t;
  });
}

template <class T>
Tensor product(const Conv2dCase& c, Conv2dPass pass, const Tensor& from, const Tensor& w, const Conv2dFinish& f, ImplicitTile tile) {
  const Tensor to = Tensor::empty(pass == Conv2dPass::forward ? c.y_shape() : c.x_shape(), c.dtype, c.device);
  if (to.numel() == 0) return to;
  const Tensor x = aligned(from), weights = aligned(w);
  const Conv2dFinish finish{f.scale, f.shift, aligned(f.residual), f.relu};
  const Product<T> p{{gather_shape(c, pass), finish_of<T>(finish), to.device_data<T>()}, x.device_data<T>(), weights.device_data<T>()};
  const bool large = tile == ImplicitTile::large || (tile == ImplicitTile::by_shape && fills_large(p.out.shape));
  if constexpr (std::is_same_v<T, float>) {
    if (context().tf32) {
      large ? launch_product<Large<T, true>>(p) : launch_product<Small<T, true>>(p);
      return to;
    }
  }
  if constexpr (sizeof(T) <= 4) {  // in f64 the large tile's sums do not fit the registers
    if (large) {
      launch_product<Large<T>>(p);
      return to;
    }
  }
  launch_product<Small<T>>(p);
  return to;
}

bool supports(const Conv2dCase& c, Conv2dPass) {
  const auto chunk = static_cast<int64_t>(16 / size_of(c.dtype));
  return gathers(c) && c.Cin % chunk == 0 && c.Cout % chunk == 0 && c.Cin > 0 && c.Cout > 0 && c.kH * c.kW <= 65535;
}

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  return implicit_forward(c, x, w, f, ImplicitTile::by_shape);
}
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  return implicit_data(c, gy, w, f, ImplicitTile::by_shape);
}
Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) { return implicit_weights(c, x, gy, ImplicitTile::by_shape); }

}  // namespace

Tensor implicit_forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f, ImplicitTile tile) {
  return dispatch_float(c.dtype, "conv2d",
                        [&]<class T>(T) { return product<T>(c, Conv2dPass::forward, x, weights_as(w, c.dtype), f, tile); });
}
Tensor implicit_data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f, ImplicitTile tile) {
  return dispatch_float(c.dtype, "conv2d",
                        [&]<class T>(T) { return product<T>(c, Conv2dPass::data, gy, transposed_weights(c, w), f, tile); });
}

constinit const Conv2dRung conv2d_gpu_implicit{"gpu_implicit", supports, forward, data, weights};

}  // namespace mr::gpu
