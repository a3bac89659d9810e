// The gradient of the weights on the matrix units, bf16 with sums in f32:
//
//   gw [Cout, (tap, Cin)] = gyᵀ [Cout, pixels] · patches(x) [pixels, (tap, Cin)]
//
//   - The sum runs over the pixels, of which there are many, and the result is small: the pixels are cut into parts, a block makes a tile of
//     m channels × n (tap, channel) of one part, and a second kernel adds the parts up in their order. How many parts there are depends on the
//     shapes alone, so that the bits are the same on every GPU.
//   - Both tiles lie in shared memory as in the maps, a row a pixel: 8 or 16 neighbouring threads copy the 128 or 256 bytes of a row. ldmatrix
//     turns them on the way to the registers, because the sum is along the rows.
//   - Stages, swizzle and warps as in conv2d_gpu_implicit.cu.
#include <algorithm>

#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_gather.h"
#include "ops/conv/conv2d_gpu_kernel.h"
#include "ops/gemm/sum_parts.h"

namespace mr::gpu {
namespace {

constexpr int chunk = 8;    // bf16 in 16 bytes
constexpr int tile_k = 64;  // pixels a step

template <int M, int S> struct Tile {
  static constexpr int m = M, n = M, stages = S;  // channels of gy, (tap, channel) of x
  static constexpr int threads = 2 * M, chunks = M / chunk;
  static constexpr int warp_m = M / 2, warp_n = 32;
  static constexpr int rows_at_once = threads / chunks, rows = tile_k / rows_at_once;  // pixels that a thread copies
  static constexpr size_t shared_bytes = SharedSize().array<bf16>(2 * S * M * tile_k).bytes();
};
using Large = Tile<128, 3>;
using Small = Tile<64, 4>;

struct Product {
  Conv2dCase c;
  const bf16 *x, *gy;
  float* parts;            // [parts, Cout, kH, kW, Cin]
  int pixels, part_steps;  // steps of tile_k pixels in a part
};

template <class T> __device__ int at(int r, int c) { return r * T::m + (c ^ r % 8) * chunk; }

// What one thread copies of both tiles: one chunk of every rows_at_once-th pixel.
template <class T> struct Copier {
  const Product& p;
  int o, column;                           // the chunk's channel of gy; its (tap, channel) of x
  int top, left, channel;                  // of its tap
  int begin, end;                          // the pixels of this part
  int n[T::rows], i[T::rows], j[T::rows];  // where the next of each of the thread's pixels lies in gy
  int step_n, step_i, step_j;              // tile_k pixels further

  __device__ Copier(const Product& product, int o0, int column0, int first, int last)
      : p(product), o(o0 + chunk_of_thread() * chunk), column(column0 + chunk_of_thread() * chunk), begin(first), end(last) {
    const int Cin = static_cast<int>(p.c.Cin), kW = static_cast<int>(p.c.kW), OH = static_cast<int>(p.c.OH), OW = static_cast<int>(p.c.OW);
    const int tap = column / Cin;
    channel = column % Cin;
    top = tap / kW * p.c.dilation - p.c.padding;
    left = tap % kW * p.c.dilation - p.c.padding;
    MR_UNROLL
    for (int r = 0; r < T::rows; ++r) {
      const int pixel = begin + row_of(r);
      n[r] = pixel / (OH * OW);
      i[r] = pixel / OW % OH;
      j[r] = pixel % OW;
    }
    step_n = tile_k / (OH * OW);
    step_i = tile_k / OW % OH;
    step_j = tile_k % OW;
  }

  __device__ static int chunk_of_thread() { return static_cast<int>(threadIdx.x) % T::chunks; }
  __device__ static int row_of(int r) { return static_cast<int>(threadIdx.x) / T::chunks + r * T::rows_at_once; }

  // Begins the copies of one step and moves on to the next.
  __device__ void copy(SharedArray<bf16> gys, SharedArray<bf16> xs) {
    const int H = static_cast<int>(p.c.H), W = static_cast<int>(p.c.W), OH = static_cast<int>(p.c.OH), OW = static_cast<int>(p.c.OW);
    const bool has_o = o < static_cast<int>(p.c.Cout), has_column = column < static_cast<int>(p.c.kH * p.c.kW * p.c.Cin);
    MR_UNROLL
    for (int r = 0; r < T::rows; ++r) {
      const int pixel = begin + row_of(r), h = i[r] * p.c.stride + top, w = j[r] * p.c.stride + left,
                to = at<T>(row_of(r), chunk_of_thread());
      const bool from_gy = pixel < end && has_o, from_x = pixel < end && has_column && h >= 0 && h < H && w >= 0 && w < W;
      cp_async<16>(gys + to, from_gy ? p.gy + pixel * p.c.Cout + o : p.gy, from_gy);
      cp_async<16>(xs + to, from_x ? p.x + ((int64_t{n[r]} * H + h) * W + w) * p.c.Cin + channel : p.x, from_x);
      j[r] += step_j;
      i[r] += step_i;
      n[r] += step_n;
      if (j[r] >= OW) j[r] -= OW, ++i[r];
      if (i[r] >= OH) i[r] -= OH, ++n[r];
    }
    begin += tile_k;
  }
};

// d[i][j] += the products of a warp's channels (from wm) and columns (from wn) over one step of pixels.
template <class T, int I> __device__ void multiply(SharedArray<bf16> gys, SharedArray<bf16> xs, int wm, int wn, float (&d)[I][4][4]) {
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  MR_UNROLL
  for (int k = 0; k < tile_k; k += 16) {
    uint32_t a[I][4];
    uint32_t b[2][4];
    MR_UNROLL
    for (int i = 0; i < I; ++i) ldmatrix_trans(a[i], gys + at<T>(k + lane / 16 * 8 + lane % 8, wm / chunk + 2 * i + lane / 8 % 2));
    MR_UNROLL
    for (int j = 0; j < 2; ++j) ldmatrix_trans(b[j], xs + at<T>(k + lane % 16, wn / chunk + 2 * j + lane / 16));
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

template <class T> __global__ void __launch_bounds__(T::threads) weights_kernel(Product p) {
  constexpr int size = T::m * tile_k, I = T::warp_m / 16;
  Shared shared;
  const auto gys = shared.array<bf16>(T::stages * size), xs = shared.array<bf16>(T::stages * size);
  const int columns = static_cast<int>(p.c.kH * p.c.kW * p.c.Cin), Cout = static_cast<int>(p.c.Cout);
  const int part = static_cast<int>(blockIdx.z), m0 = static_cast<int>(blockIdx.y) * T::m, n0 = static_cast<int>(blockIdx.x) * T::n;
  const int begin = part * p.part_steps * tile_k, end = min(begin + p.part_steps * tile_k, p.pixels);
  const int steps = (end - begin + tile_k - 1) / tile_k;
  const int warp = static_cast<int>(threadIdx.x) / warp_size, wm = warp % 2 * T::warp_m, wn = warp / 2 * T::warp_n;

  Copier<T> copier(p, m0, n0, begin, end);
  float d[I][4][4] = {};
  for (int s = 0; s < T::stages - 1; ++s) {
    if (s < steps) copier.copy(gys + s * size, xs + s * size);
    cp_async_commit();
  }
  for (int s = 0; s < steps; ++s) {
    cp_async_wait<T::stages - 2>();
    __syncthreads();  // step s has landed for all, and all are done with step s − 1, whose stage is filled next
    const int next = s + T::stages - 1;
    if (next < steps) copier.copy(gys + next % T::stages * size, xs + next % T::stages * size);
    cp_async_commit();  // at the end a group of nothing, so that the count above holds
    multiply<T>(gys + s % T::stages * size, xs + s % T::stages * size, wm, wn, d);
  }

  // The four lanes of a row write 32 bytes.
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  MR_UNROLL
  for (int i = 0; i < I; ++i) {
    MR_UNROLL
    for (int j = 0; j < 4; ++j) {
      MR_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int o = m0 + wm + 16 * i + 8 * half + lane / 4, column = n0 + wn + 8 * j + lane % 4 * 2;
        Pack<float, 2> two;
        two[0] = d[i][j][2 * half];
        two[1] = d[i][j][2 * half + 1];
        if (o < Cout && column < columns) store(p.parts + (int64_t{part} * Cout + o) * columns + column, two);
      }
    }
  }
}

template <class T> void run(const Conv2dCase& c, const Tensor& x, const Tensor& gy, const Tensor& gw) {
  constexpr int64_t enough_blocks = 264, fewest_steps = 4;
  const int64_t columns = c.kH * c.kW * c.Cin, tiles_m = (c.Cout + T::m - 1) / T::m, tiles_n = (columns + T::n - 1) / T::n;
  const int64_t steps = (c.out_pixels() + tile_k - 1) / tile_k;
  const int64_t wanted = std::max<int64_t>(1, enough_blocks / (tiles_m * tiles_n));
  const int64_t part_steps = std::max(fewest_steps, (steps + wanted - 1) / wanted), count = (steps + part_steps - 1) / part_steps;
  const Tensor parts = count > 1 ? Tensor::empty({count, gw.numel()}, DType::f32, gw.device()) : gw;
  launch("conv2d_implicit_weights", {tiles_n, tiles_m, count}, {T::threads}, T::shared_bytes, compute_stream(), weights_kernel<T>,
         Product{c, x.device_data<bf16>(), gy.device_data<bf16>(), parts.device_data<float>(), static_cast<int>(c.out_pixels()),
                 static_cast<int>(part_steps)});
  if (count > 1) sum_parts<float>("conv2d_implicit_weights_sum", count, gw.numel(), parts.device_data<float>(), gw.device_data<float>());
}

}  // namespace

Tensor implicit_weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy, ImplicitTile tile) {
  const Tensor gw = Tensor::empty(c.w_shape(), DType::f32, c.device);
  if (c.out_pixels() == 0) {
    gw.fill_(0);
    return gw;
  }
  const bool large = c.Cout > Small::m && c.kH * c.kW * c.Cin > Small::n;
  if (tile == ImplicitTile::large || (tile == ImplicitTile::by_shape && large))
    run<Large>(c, aligned_rows(x), aligned_rows(gy), gw);
  else
    run<Small>(c, aligned_rows(x), aligned_rows(gy), gw);
  return gw;
}

}  // namespace mr::gpu
