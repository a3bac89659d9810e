// The gradient of the weights, bf16 (TF32, where the context asks for it) on the matrix units with sums in f32, f32 and f64 by fused
// multiply-adds:
//
//   gw [Cout, (tap, Cin)] = gyᵀ [Cout, pixels] · patches(x) [pixels, (tap, Cin)]
//
//   - The sum runs over the pixels, of which there are many, and the result is small: the pixels are cut into parts, a block makes a tile of
//     m channels × n (tap, channel) of one part, and a second kernel adds the parts up in their order. How many parts there are depends on the
//     shapes alone, so that the bits are the same on every GPU.
//   - Both tiles lie in shared memory as in the maps, a row a pixel: neighbouring threads copy the 16-byte chunks of a row. Chunk c of row r lies
//     at place c ^ (r mod 8), so that what a warp reads at once lies in different banks. On the matrix units ldmatrix turns the tiles on the way to
//     the registers, because the sum is along the rows. It turns 16 bits at a time: numbers of 32 are read one by one, 4 rows × 8 channels, which
//     lie in different banks with chunk c at place c ^ 2 (r mod 4).
//   - Stages as in conv2d_gpu_implicit.cu.
#include <algorithm>

#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_gather.h"
#include "ops/conv/conv2d_gpu_kernel.h"
#include "ops/conv/conv2d_gpu_sums.h"
#include "ops/gemm/sum_parts.h"
#include "tensor/context.h"
#include "tensor/tensor_gpu.h"

namespace mr::gpu {
namespace {

template <class Element, int M, int S, bool tf32 = false> struct Square {
  using T = Element;
  static constexpr bool on_matrix_units = std::is_same_v<T, bf16> || tf32;
  static constexpr int m = M, stages = S, chunk = chunk_of<T>, chunks = M / chunk;  // m channels of gy, m (tap, channel) of x
  static constexpr int k = 8 * chunk;                                               // pixels a step
  static constexpr int threads = on_matrix_units ? 2 * M : 256;
  static constexpr int rows_at_once = threads / chunks, rows = k / rows_at_once;  // pixels that a thread copies
  static constexpr size_t shared_bytes = SharedSize().array<T>(2 * S * M * k).bytes();
  __device__ static int at(int row, int c) { return row * m + (c ^ (tf32 ? row % 4 * 2 : row % 8)) * chunk; }
};
template <class T, bool tf32 = false> using Small = Square<T, 64, 4, tf32>;
template <class T, bool tf32 = false> using Large = Square<T, 128, 3, tf32>;

template <class T> struct Product {
  Conv2dCase c;
  const T *x, *gy;
  acc_t<T>* parts;         // [parts, Cout, kH, kW, Cin]
  int pixels, part_steps;  // steps in a part
};

// What one thread copies of both tiles: one chunk of every rows_at_once-th pixel.
template <class Tile> struct Copier {
  using T = typename Tile::T;
  const Product<T>& p;
  int o, column;                                    // the chunk's channel of gy; its (tap, channel) of x
  int top, left, channel;                           // of its tap
  int begin, end;                                   // the pixels of this part that are still to come
  int n[Tile::rows], i[Tile::rows], j[Tile::rows];  // where the next of each of the thread's pixels lies in gy
  int step_n, step_i, step_j;                       // a step further

  __device__ Copier(const Product<T>& product, int o0, int column0, int first, int last)
      : p(product), o(o0 + chunk_of_thread() * Tile::chunk), column(column0 + chunk_of_thread() * Tile::chunk), begin(first), end(last) {
    const int Cin = static_cast<int>(p.c.Cin), kW = static_cast<int>(p.c.kW), OH = static_cast<int>(p.c.OH), OW = static_cast<int>(p.c.OW);
    const int tap = column / Cin;
    channel = column % Cin;
    top = tap / kW * p.c.dilation - p.c.padding;
    left = tap % kW * p.c.dilation - p.c.padding;
    MR_UNROLL
    for (int r = 0; r < Tile::rows; ++r) {
      const int pixel = begin + row_of(r);
      n[r] = pixel / (OH * OW);
      i[r] = pixel / OW % OH;
      j[r] = pixel % OW;
    }
    step_n = Tile::k / (OH * OW);
    step_i = Tile::k / OW % OH;
    step_j = Tile::k % OW;
  }

  __device__ static int chunk_of_thread() { return static_cast<int>(threadIdx.x) % Tile::chunks; }
  __device__ static int row_of(int r) { return static_cast<int>(threadIdx.x) / Tile::chunks + r * Tile::rows_at_once; }

  // Begins the copies of one step and moves on to the next.
  __device__ void copy(SharedArray<T> gys, SharedArray<T> xs) {
    const int H = static_cast<int>(p.c.H), W = static_cast<int>(p.c.W), OH = static_cast<int>(p.c.OH), OW = static_cast<int>(p.c.OW);
    const bool has_o = o < static_cast<int>(p.c.Cout), has_column = column < static_cast<int>(p.c.kH * p.c.kW * p.c.Cin);
    MR_UNROLL
    for (int r = 0; r < Tile::rows; ++r) {
      const int pixel = begin + row_of(r), h = i[r] * p.c.stride + top, w = j[r] * p.c.stride + left;
      const int to = Tile::at(row_of(r), chunk_of_thread());
      const bool from_gy = pixel < end && has_o, from_x = pixel < end && has_column && h >= 0 && h < H && w >= 0 && w < W;
      cp_async<16>(gys + to, from_gy ? p.gy + pixel * p.c.Cout + o : p.gy, from_gy);
      cp_async<16>(xs + to, from_x ? p.x + ((int64_t{n[r]} * H + h) * W + w) * p.c.Cin + channel : p.x, from_x);
      j[r] += step_j;
      i[r] += step_i;
      n[r] += step_n;
      if (j[r] >= OW) j[r] -= OW, ++i[r];
      if (i[r] >= OH) i[r] -= OH, ++n[r];
    }
    begin += Tile::k;
  }
};

// to(row, column) of the tile: part + row · columns + column, inside [rows, columns].
template <class A> struct Corner {
  A* to;              // of the tile's first element
  int rows, columns;  // that lie behind it
  int64_t pitch;
  template <int N> __device__ void put(int row, int column, const Pack<A, N>& v) const {
    if (row < rows && column < columns) store(to + row * pitch + column, v);
  }
};

// Thread (i, j) of 16×16 has the chunks of rows ≡ i and those of columns ≡ j (mod 16); a warp reads 2 chunks of gy and 16 neighbouring ones of x.
template <class Tile> class FmaSquare {
  using T = typename Tile::T;
  static constexpr int V = Tile::chunk, I = Tile::chunks / 16;

 public:
  __device__ void multiply(SharedArray<T> gys, SharedArray<T> xs) {
    const int ty = static_cast<int>(threadIdx.x) / 16, tx = static_cast<int>(threadIdx.x) % 16;
    for (int k = 0; k < Tile::k; ++k) {
      Pack<T, V> b[I];
      MR_UNROLL
      for (int j = 0; j < I; ++j) b[j] = load<Pack<T, V>>(xs + Tile::at(k, tx + 16 * j));
      MR_UNROLL
      for (int i = 0; i < I; ++i) {
        const auto a = load<Pack<T, V>>(gys + Tile::at(k, ty + 16 * i));
        MR_UNROLL
        for (int e = 0; e < V; ++e) {
          MR_UNROLL
          for (int j = 0; j < I; ++j) {
            MR_UNROLL
            for (int f = 0; f < V; ++f) d_[i][e][j][f] = multiply_add(a[e], b[j][f], d_[i][e][j][f]);
          }
        }
      }
    }
  }

  __device__ void finish(const Corner<T>& out) const {
    const int ty = static_cast<int>(threadIdx.x) / 16, tx = static_cast<int>(threadIdx.x) % 16;
    MR_UNROLL
    for (int i = 0; i < I; ++i) {
      MR_UNROLL
      for (int e = 0; e < V; ++e) {
        MR_UNROLL
        for (int j = 0; j < I; ++j) out.put((ty + 16 * i) * V + e, (tx + 16 * j) * V, d_[i][e][j]);
      }
    }
  }

 private:
  Pack<T, V> d_[I][V][I] = {};
};

// A warp has m/2 channels × 32 columns.
template <class Tile> class MatrixSquare {
  using T = typename Tile::T;
  static constexpr int I = Tile::m / 2 / 16, K = std::is_same_v<T, bf16> ? 16 : 8;  // K: pixels a product

 public:
  __device__ void multiply(SharedArray<T> gys, SharedArray<T> xs) {
    MR_UNROLL
    for (int k = 0; k < Tile::k; k += K) {
      uint32_t a[I][4];
      uint32_t b[2][4];
      MR_UNROLL
      for (int i = 0; i < I; ++i) load_a(a[i], gys, k, row() + 16 * i);
      MR_UNROLL
      for (int j = 0; j < 2; ++j) load_b(b[j], xs, k, column() + 16 * j);
      MR_UNROLL
      for (int i = 0; i < I; ++i) {
        MR_UNROLL
        for (int j = 0; j < 4; ++j) {
          const uint32_t half[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
          multiply_fragments<T>(d_[i][j], a[i], half);
        }
      }
    }
  }

  // The four lanes of a row write 32 bytes.
  __device__ void finish(const Corner<float>& out) const {
    const int lane = static_cast<int>(threadIdx.x) % warp_size;
    MR_UNROLL
    for (int i = 0; i < I; ++i) {
      MR_UNROLL
      for (int j = 0; j < 4; ++j) {
        MR_UNROLL
        for (int half = 0; half < 2; ++half) {
          Pack<float, 2> two;
          two[0] = d_[i][j][2 * half];
          two[1] = d_[i][j][2 * half + 1];
          out.put(row() + 16 * i + 8 * half + lane / 4, column() + 8 * j + lane % 4 * 2, two);
        }
      }
    }
  }

 private:
  // 16 channels from `first` on of K pixels, as ptx.h wants a …
  __device__ static void load_a(uint32_t (&a)[4], SharedArray<T> gys, int k, int first) {
    const int lane = static_cast<int>(threadIdx.x) % warp_size;
    if constexpr (K == 16) {
      ldmatrix_trans(a, gys + Tile::at(k + lane / 16 * 8 + lane % 8, first / Tile::chunk + lane / 8 % 2));
    } else {
      MR_UNROLL
      for (int r = 0; r < 4; ++r) a[r] = one(gys, k + lane % 4 + r / 2 * 4, first + lane / 4 + r % 2 * 8);
    }
  }
  // … and as the b of two products.
  __device__ static void load_b(uint32_t (&b)[4], SharedArray<T> xs, int k, int first) {
    const int lane = static_cast<int>(threadIdx.x) % warp_size;
    if constexpr (K == 16) {
      ldmatrix_trans(b, xs + Tile::at(k + lane % 16, first / Tile::chunk + lane / 16));
    } else {
      MR_UNROLL
      for (int r = 0; r < 4; ++r) b[r] = one(xs, k + lane % 4 + r % 2 * 4, first + lane / 4 + r / 2 * 8);
    }
  }
  __device__ static uint32_t one(SharedArray<T> tile, int row, int channel) {
    return to_tf32(load<float>(tile + (Tile::at(row, channel / Tile::chunk) + channel % Tile::chunk)));
  }

  __device__ static int warp() { return static_cast<int>(threadIdx.x) / warp_size; }
  __device__ static int row() { return warp() % 2 * (Tile::m / 2); }
  __device__ static int column() { return warp() / 2 * 32; }

  float d_[I][4][4] = {};
};

template <class Tile> using SquareSums = std::conditional_t<Tile::on_matrix_units, MatrixSquare<Tile>, FmaSquare<Tile>>;

template <class Tile> __global__ void __launch_bounds__(Tile::threads) weights_kernel(Product<typename Tile::T> p) {
  using T = typename Tile::T;
  constexpr int size = Tile::m * Tile::k, stages = Tile::stages;
  Shared shared;
  const auto gys = shared.array<T>(stages * size), xs = shared.array<T>(stages * size);
  const int columns = static_cast<int>(p.c.kH * p.c.kW * p.c.Cin), Cout = static_cast<int>(p.c.Cout);
  const int part = static_cast<int>(blockIdx.z), m0 = static_cast<int>(blockIdx.y) * Tile::m, n0 = static_cast<int>(blockIdx.x) * Tile::m;
  const int begin = part * p.part_steps * Tile::k, end = min(begin + p.part_steps * Tile::k, p.pixels);
  const int steps = (end - begin + Tile::k - 1) / Tile::k;

  Copier<Tile> copier(p, m0, n0, begin, end);
  SquareSums<Tile> sums;
  multiply_steps<stages>(copier, sums, gys, size, xs, size, steps);
  sums.finish(Corner<acc_t<T>>{p.parts + (int64_t{part} * Cout + m0) * columns + n0, Cout - m0, columns - n0, columns});
}

template <class Tile> void run(const Conv2dCase& c, const Tensor& x, const Tensor& gy, const Tensor& gw) {
  using T = typename Tile::T;
  using A = acc_t<T>;
  constexpr int64_t enough_blocks = 264, fewest_pixels = 256;
  const int64_t columns = c.kH * c.kW * c.Cin, tiles_m = (c.Cout + Tile::m - 1) / Tile::m, tiles_n = (columns + Tile::m - 1) / Tile::m;
  const int64_t steps = (c.out_pixels() + Tile::k - 1) / Tile::k, wanted = std::max<int64_t>(1, enough_blocks / (tiles_m * tiles_n));
  const int64_t part_steps = std::max(fewest_pixels / Tile::k, (steps + wanted - 1) / wanted),
                count = (steps + part_steps - 1) / part_steps;
  const Tensor parts = count > 1 ? Tensor::empty({count, gw.numel()}, gw.dtype(), gw.device()) : gw;
  launch("conv2d_implicit_weights", {tiles_n, tiles_m, count}, {Tile::threads}, Tile::shared_bytes, compute_stream(), weights_kernel<Tile>,
         Product<T>{c, x.device_data<T>(), gy.device_data<T>(), parts.device_data<A>(), static_cast<int>(c.out_pixels()),
                    static_cast<int>(part_steps)});
  if (count > 1) sum_parts<A>("conv2d_implicit_weights_sum", count, gw.numel(), parts.device_data<A>(), gw.device_data<A>());
}

}  // namespace

Tensor implicit_weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy, ImplicitTile tile) {
  const Tensor gw = Tensor::empty(c.w_shape(), c.sum_dtype(), c.device), xs = aligned(x), gys = aligned(gy);
  if (c.out_pixels() == 0) {
    gw.fill_(0);
    return gw;
  }
  const bool fills_large = c.Cout > 64 && c.kH * c.kW * c.Cin > 64,
             large = tile == ImplicitTile::large || (tile == ImplicitTile::by_shape && fills_large);
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) {
    if constexpr (std::is_same_v<T, float>) {
      if (context().tf32) return large ? run<Large<T, true>>(c, xs, gys, gw) : run<Small<T, true>>(c, xs, gys, gw);
    }
    if constexpr (sizeof(T) <= 4) {  // in f64 the large tile's sums do not fit the registers
      if (large) return run<Large<T>>(c, xs, gys, gw);
    }
    run<Small<T>>(c, xs, gys, gw);
  });
  return gw;
}

}  // namespace mr::gpu
