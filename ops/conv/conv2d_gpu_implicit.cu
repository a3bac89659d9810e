// The last version: a gathered product on the matrix units, bf16 with sums in f32. Forward and data; conv2d_gpu_implicit_weights.cu has the
// third pass.
//
//   - A block makes a tile of m pixels × n channels of the output, stepping through (tap, channel) 64 at a time. Its 2 · n/32 warps have m/2 × 32 of
//     it each, as products of 16×8×16 (mma).
//   - A tile of patches is m rows of 64 channels: 8 neighbouring threads copy the 128 bytes of one row, whole sectors, from where the row's
//     pixel and tap say; outside the map, zeros. A tile of weights is n rows of 64, the weights lie [channel of the output, tap, channel].
//   - Copies are asynchronous (cp.async): while one step is multiplied, the next stages − 1 are on their way. One barrier a step.
//   - In shared memory the 16-byte chunk c of row r lies at place c ^ (r mod 8) of its row. The eight rows that ldmatrix reads at once then
//     lie in different banks, as do the eight chunks that a copy writes.
//   - The tile goes out through scale, shift, residual and ReLU. A lane holds 2 neighbouring channels of each of 4 groups of 8; the four
//     lanes of a row exchange them so that each has 8 neighbours: 16 bytes a lane, 64 a row.
#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_gather.h"
#include "ops/conv/conv2d_gpu_kernel.h"

namespace mr::gpu {
namespace {

constexpr int chunk = 8;    // bf16 in 16 bytes
constexpr int tile_k = 64;  // of (tap, channel) a step
constexpr int chunks = tile_k / chunk;
constexpr unsigned all_lanes = 0xffffffffu;

template <int M, int N, int S> struct Tile {
  static constexpr int m = M, n = N, stages = S;
  static constexpr int threads = 2 * N;
  static constexpr int warp_m = M / 2, warp_n = 32;
  static constexpr int rows_a = M * chunks / threads, rows_b = N * chunks / threads;  // that a thread copies
  static constexpr size_t shared_bytes = SharedSize().array<bf16>(S * M * tile_k).template array<bf16>(S * N * tile_k).bytes();
};
using Large = Tile<128, 128, 3>;
using Small = Tile<64, 64, 4>;

struct Product {
  GatherShape shape;
  const bf16* from;  // [N, h, w, from_channels]
  const bf16* w;     // [to_channels, kH, kW, from_channels]
  bf16* to;
  const float *scale, *shift;  // or null
  const bf16* residual;        // or null
  bool relu;
};

// Where chunk `c` of row `r` of a tile lies.
__device__ int at(int r, int c) { return r * tile_k + (c ^ r % 8) * chunk; }

// What one thread copies: chunk threadIdx.x % 8 of every (threads / 8)-th row, at a place in (tap, channel) that moves on by tile_k.
template <class T> struct Copier {
  const Product& p;
  const GatherAxis &h, &w;
  int n0;                               // first channel of the tile
  const bf16* image[T::rows_a];         // of each row of the patches: its image
  int top[T::rows_a], left[T::rows_a];  // and the position of its first tap
  int tap_h = 0, tap_w = 0, channel = 0;

  __device__ Copier(const Product& product, const GatherAxis& axis_h, const GatherAxis& axis_w, int m0, int first_n)
      : p(product), h(axis_h), w(axis_w), n0(first_n) {
    MR_UNROLL
    for (int i = 0; i < T::rows_a; ++i) {
      const int row = m0 + row_of(i), n = row / (h.rows * w.rows);
      image[i] = p.from + int64_t{n} * h.from * w.from * p.shape.from_channels;
      top[i] = n < p.shape.N ? row / w.rows % h.rows * h.scale + h.first : -(1 << 30);  // rows behind the last lie outside the map
      left[i] = row % w.rows * w.scale + w.first;
    }
    move(chunk_of_thread() * chunk);
  }

  __device__ static int chunk_of_thread() { return static_cast<int>(threadIdx.x) % chunks; }
  __device__ static int row_of(int i) { return static_cast<int>(threadIdx.x) / chunks + i * (T::threads / chunks); }

  __device__ void move(int by) {
    channel += by;
    while (channel >= p.shape.from_channels) {
      channel -= p.shape.from_channels;
      if (++tap_w == w.taps) tap_w = 0, ++tap_h;
    }
  }

  // Begins the copies of one step and moves on.
  __device__ void copy(SharedArray<bf16> as, SharedArray<bf16> bs) {
    const int C = p.shape.from_channels, c = chunk_of_thread();
    const bool more = tap_h < h.taps;
    MR_UNROLL
    for (int i = 0; i < T::rows_a; ++i) {
      const int y = top[i] + tap_h * h.step, x = left[i] + tap_w * w.step;
      const bool inside = more && y >= 0 && y < h.from && x >= 0 && x < w.from;
      cp_async<16>(as + at(row_of(i), c), inside ? image[i] + (int64_t{y} * w.from + x) * C + channel : p.from, inside);
    }
    const int tap = (h.tap0 + tap_h * h.tap_step) * p.shape.kW + w.tap0 + tap_w * w.tap_step, taps = p.shape.kH * p.shape.kW;
    MR_UNROLL
    for (int i = 0; i < T::rows_b; ++i) {
      const int n = n0 + row_of(i);
      const bool inside = more && n < p.shape.to_channels;
      cp_async<16>(bs + at(row_of(i), c), inside ? p.w + (int64_t{n} * taps + tap) * C + channel : p.w, inside);
    }
    move(tile_k);
  }
};

// d[i][j] += the products of a warp's pixels (from wm) and channels (from wn) over one step.
template <int I> __device__ void multiply(SharedArray<bf16> as, SharedArray<bf16> bs, int wm, int wn, float (&d)[I][4][4]) {
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  MR_UNROLL
  for (int k = 0; k < chunks; k += 2) {
    uint32_t a[I][4];  // 16 pixels × 16
    uint32_t b[2][4];  // 16 channels × 16, each the b of two products
    MR_UNROLL
    for (int i = 0; i < I; ++i) ldmatrix(a[i], as + at(wm + 16 * i + lane % 16, k + lane / 16));
    MR_UNROLL
    for (int j = 0; j < 2; ++j) ldmatrix(b[j], bs + at(wn + 16 * j + lane / 16 * 8 + lane % 8, k + lane / 8 % 2));
    MR_UNROLL
    for (int i = 0; i < I; ++i) {
      MR_UNROLL
      for (int j = 0; j < 4; ++j) {
        const uint32_t half[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
        mma_bf16(d[i][j], a[i], half);
      }
    }
  }
}

// Lane t of four has columns 2t, 2t+1 of each of four groups of 8 columns, two values a group; afterwards it has the 8 columns of group t.
// A transpose of 4×4 pairs: each round exchanges what lies off the diagonal of blocks of `d`.
__device__ void gather_columns(float (&v)[4][2]) {
  const int t = static_cast<int>(threadIdx.x) % 4;
  MR_UNROLL
  for (int d = 1; d < 4; d *= 2) {
    MR_UNROLL
    for (int j = 0; j < 4; ++j) {
      if (j & d) continue;
      MR_UNROLL
      for (int e = 0; e < 2; ++e) {
        const bool upper = (t & d) != 0;
        const float got = __shfl_xor_sync(all_lanes, upper ? v[j][e] : v[j | d][e], d);
        if (upper)
          v[j][e] = got;
        else
          v[j | d][e] = got;
      }
    }
  }
}

// A warp's sums → memory.
template <int I> __device__ void finish(const Product& p, const GatherAxis& h, const GatherAxis& w, int m0, int n0, float (&d)[I][4][4]) {
  const int lane = static_cast<int>(threadIdx.x) % warp_size, n = n0 + lane % 4 * chunk, C = p.shape.to_channels;
  float scale[chunk], shift[chunk];
  MR_UNROLL
  for (int k = 0; k < chunk; ++k) {
    scale[k] = p.scale && n < C ? load<float>(p.scale + n + k) : 1;
    shift[k] = p.shift && n < C ? load<float>(p.shift + n + k) : 0;
  }
  MR_UNROLL
  for (int i = 0; i < I; ++i) {
    MR_UNROLL
    for (int half = 0; half < 2; ++half) {
      float v[4][2];
      MR_UNROLL
      for (int j = 0; j < 4; ++j) v[j][0] = d[i][j][2 * half], v[j][1] = d[i][j][2 * half + 1];
      gather_columns(v);
      const int row = m0 + 16 * i + 8 * half + lane / 4;
      if (row >= p.shape.N * h.rows * w.rows || n >= C) continue;
      const int64_t to = p.shape.to_pixel(h, w, row) * C + n;
      Pack<bf16, chunk> residual{}, out;
      if (p.residual) residual = load<Pack<bf16, chunk>>(p.residual + to);
      const Conv2dFinishOf<const float*, const bf16*> finished{scale, shift, residual.v, p.relu};
      MR_UNROLL
      for (int k = 0; k < chunk; ++k) out[k] = bf16(finished(v[k / 2][k % 2], k, k));
      store(p.to + to, out);
    }
  }
}

template <class T> __global__ void __launch_bounds__(T::threads) gathered_product_kernel(Product p) {
  constexpr int size_a = T::m * tile_k, size_b = T::n * tile_k, I = T::warp_m / 16;
  Shared shared;
  const auto as = shared.array<bf16>(T::stages * size_a), bs = shared.array<bf16>(T::stages * size_b);
  const GatherAxis h = p.shape.axis_h(static_cast<int>(blockIdx.z)), w = p.shape.axis_w(static_cast<int>(blockIdx.z));
  const int tiles_n = (p.shape.to_channels + T::n - 1) / T::n, number = static_cast<int>(blockIdx.x);
  const int m0 = number / tiles_n * T::m, n0 = number % tiles_n * T::n;  // neighbouring blocks read the same patches
  if (m0 >= p.shape.N * h.rows * w.rows) return;                         // a class with fewer rows than the largest
  const int steps = (h.taps * w.taps * p.shape.from_channels + tile_k - 1) / tile_k;
  const int warp = static_cast<int>(threadIdx.x) / warp_size, wm = warp % 2 * T::warp_m, wn = warp / 2 * T::warp_n;

  Copier<T> copier(p, h, w, m0, n0);
  float d[I][4][4] = {};
  for (int s = 0; s < T::stages - 1; ++s) {
    if (s < steps) copier.copy(as + s * size_a, bs + s * size_b);
    cp_async_commit();
  }
  for (int s = 0; s < steps; ++s) {
    cp_async_wait<T::stages - 2>();
    __syncthreads();  // step s has landed for all, and all are done with step s − 1, whose stage is filled next
    const int next = s + T::stages - 1;
    if (next < steps) copier.copy(as + next % T::stages * size_a, bs + next % T::stages * size_b);
    cp_async_commit();  // at the end a group of nothing, so that the count above holds
    multiply(as + s % T::stages * size_a, bs + s % T::stages * size_b, wm, wn, d);
  }
  finish(p, h, w, m0 + wm, n0 + wn, d);
}

template <class T> void launch_product(const Product& p) {
  const GatherAxis h = p.shape.axis_h(0), w = p.shape.axis_w(0);  // the class with most rows
  const int64_t rows = int64_t{p.shape.N} * h.rows * w.rows, tiles_m = (rows + T::m - 1) / T::m,
                tiles_n = (p.shape.to_channels + T::n - 1) / T::n;
  launch(p.shape.forward() ? "conv2d_implicit_forward" : "conv2d_implicit_data", {tiles_m * tiles_n, 1, p.shape.classes()}, {T::threads},
         T::shared_bytes, compute_stream(), gathered_product_kernel<T>, p);
}

// Large tiles read less for each product, small ones give work to more multiprocessors. The choice is the same on every GPU.
bool fills_large(const GatherShape& s) {
  constexpr int64_t enough = 132;
  const int64_t rows = int64_t{s.N} * (s.forward() ? int64_t{s.OH} * s.OW : int64_t{s.H} * s.W);
  return s.to_channels > Small::n && (rows / Large::m) * ((s.to_channels + Large::n - 1) / Large::n) >= enough;
}

// [Cout, taps, Cin] → [Cin, taps, Cout] through tiles of 32×32 in shared memory (33 words a row: no bank conflicts), so that reads and
// writes both run along rows. A block has one tap.
constexpr int side = 32, at_once = 8;

template <class From> __global__ void transpose_weights_kernel(int Cout, int taps, int Cin, const From* w, bf16* t) {
  Shared shared;
  const auto tile = shared.array<float>(side * (side + 1));
  const int u = static_cast<int>(threadIdx.x), o0 = static_cast<int>(blockIdx.y) * side, c0 = static_cast<int>(blockIdx.x) * side,
            tap = static_cast<int>(blockIdx.z);
  for (int v = static_cast<int>(threadIdx.y); v < side; v += at_once)
    if (o0 + v < Cout && c0 + u < Cin)
      tile[v * (side + 1) + u] = convert<float>(load<From>(w + (int64_t{o0 + v} * taps + tap) * Cin + c0 + u));
  __syncthreads();
  for (int v = static_cast<int>(threadIdx.y); v < side; v += at_once)
    if (c0 + v < Cin && o0 + u < Cout)
      store(t + (int64_t{c0 + v} * taps + tap) * Cout + o0 + u, bf16(static_cast<float>(tile[u * (side + 1) + v])));
}

Tensor transposed_weights(const Conv2dCase& c, const Var& weights) {
  return weights.derived("transposed bf16", [&](const Tensor& w) {
    const Tensor t = Tensor::empty({c.Cin, c.kH, c.kW, c.Cout}, DType::bf16, w.device());
    dispatch_float(w.dtype(), "conv2d", [&]<class From>(From) {
      launch("conv2d_transpose_weights", {(c.Cin + side - 1) / side, (c.Cout + side - 1) / side, c.kH * c.kW}, {side, at_once},
             SharedSize().array<float>(side * (side + 1)).bytes(), compute_stream(), transpose_weights_kernel<From>, c.Cout, c.kH * c.kW,
             c.Cin, w.device_data<From>(), t.device_data<bf16>());
    });
    return t;
  });
}

Tensor product(const Conv2dCase& c, Conv2dPass pass, const Tensor& from, const Tensor& w, const Conv2dFinish& f, ImplicitTile tile) {
  const Tensor to = Tensor::empty(pass == Conv2dPass::forward ? c.y_shape() : c.x_shape(), DType::bf16, c.device);
  if (to.numel() == 0) return to;
  const Tensor x = aligned_rows(from), weights = aligned_rows(w), residual = aligned_rows(f.residual);
  const Product p{gather_shape(c, pass),        x.device_data<bf16>(),        weights.device_data<bf16>(),  to.device_data<bf16>(),
                  f.scale.device_data<float>(), f.shift.device_data<float>(), residual.device_data<bf16>(), f.relu};
  if (tile == ImplicitTile::large || (tile == ImplicitTile::by_shape && fills_large(p.shape)))
    launch_product<Large>(p);
  else
    launch_product<Small>(p);
  return to;
}

bool supports(const Conv2dCase& c, Conv2dPass) {
  return c.dtype == DType::bf16 && gathers(c) && c.Cin % chunk == 0 && c.Cout % chunk == 0 && c.Cin > 0 && c.Cout > 0 &&
         c.kH * c.kW <= 65535;
}

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  return implicit_forward(c, x, w, f, ImplicitTile::by_shape);
}
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  return implicit_data(c, gy, w, f, ImplicitTile::by_shape);
}
Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) { return implicit_weights(c, x, gy, ImplicitTile::by_shape); }

}  // namespace

Tensor aligned_rows(const Tensor& t) { return !t.defined() || reinterpret_cast<uintptr_t>(t.raw()) % 16 == 0 ? t : t.clone(); }

Tensor implicit_forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f, ImplicitTile tile) {
  return product(c, Conv2dPass::forward, x, weights_as(w, DType::bf16), f, tile);
}
Tensor implicit_data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f, ImplicitTile tile) {
  return product(c, Conv2dPass::data, gy, transposed_weights(c, w), f, tile);
}

constinit const Conv2dRung conv2d_gpu_implicit{"gpu_implicit", supports, forward, data, weights};

}  // namespace mr::gpu
