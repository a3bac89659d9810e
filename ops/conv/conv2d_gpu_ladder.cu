// Two versions between gpu_reference and gpu_implicit, here to be read; no case runs on them unless MR_CONV names one. Forward only.
//
// In both, a block makes a tile of 64 pixels × 64 channels of y. A row of either factor is the sum's length, K = taps · Cin: the patch of a pixel,
// and the weights of a channel. The block steps along K, and in each step
//
//     brings 64 rows of patches and 64 rows of weights, a step long, to shared memory
//     waits for all of its threads (__syncthreads), multiplies from there, and waits again before it writes over them
//
// so that each number is read from memory once for 64 products.
//
//   gpu_tiled     fused multiply-adds. A thread has 4×4 sums: 8 numbers from shared memory for 16 products. A row is one number longer than
//                 its contents (pitch), so that 16 rows read at once lie in different banks
//   gpu_matrix    bf16 on the matrix units. A warp has 32×32 sums, as 2×4 products of 16×8 from fragments that ldmatrix brings. Rows are 128 bytes,
//                 once around the banks: the 8 rows that it reads at once begin in the same bank, so it takes 8 passes instead of 1
//
// What gpu_implicit adds to gpu_matrix: chunks exchanged (swizzle), so that those passes are 1; copies that go on while the step before is
// multiplied (cp.async, stages, one barrier a step); results that lanes exchange so as to write 16 bytes each; and tiles of more than one size.
#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_gather.h"
#include "ops/conv/conv2d_gpu_kernel.h"
#include "ops/conv/conv2d_gpu_sums.h"
#include "tensor/tensor_gpu.h"

namespace mr::gpu {
namespace {

constexpr int tile = 64;

template <class T> struct Problem {
  Conv2dCase c;
  const T *x, *w;
  Finish<T> finished;
  T* y;

  __device__ int64_t length() const { return c.kH * c.kW * c.Cin; }

  // Where element `column` of the patch of `pixel` lies in x; null where the patch hangs over the map, or there is no such element.
  __device__ const T* patch(int64_t pixel, int64_t column) const {
    if (pixel >= c.out_pixels() || column >= length()) return nullptr;
    const int64_t tap = column / c.Cin, n = pixel / (c.OH * c.OW);
    const int64_t h = conv2d_read_at(c, pixel / c.OW % c.OH, tap / c.kW), v = conv2d_read_at(c, pixel % c.OW, tap % c.kW);
    return h >= 0 && h < c.H && v >= 0 && v < c.W ? x + ((n * c.H + h) * c.W + v) * c.Cin + column % c.Cin : nullptr;
  }
  __device__ const T* weight(int64_t o, int64_t column) const {
    return o < c.Cout && column < length() ? w + o * length() + column : nullptr;
  }

  template <class A> __device__ void finish(int64_t pixel, int64_t o, A sum) const {
    if (pixel < c.out_pixels() && o < c.Cout) store(y + pixel * c.Cout + o, convert<T>(finished(sum, o, pixel * c.Cout + o)));
  }
};

constexpr int tiled_threads = 256, tiled_step = 32, pitch = tiled_step + 1;  // of 16 × 16 threads; a warp brings one row

template <class T> __global__ void __launch_bounds__(tiled_threads) tiled_kernel(Problem<T> p) {
  using A = acc_t<T>;
  Shared shared;
  const auto as = shared.array<A>(tile * pitch), bs = shared.array<A>(tile * pitch);
  const int thread = static_cast<int>(threadIdx.x), ty = thread / 16, tx = thread % 16;
  const int64_t pixel0 = int64_t{blockIdx.x} * tile, o0 = int64_t{blockIdx.y} * tile;
  A sums[4][4] = {};
  for (int64_t k0 = 0; k0 < p.length(); k0 += tiled_step) {
    for (int row = thread / tiled_step; row < tile; row += tiled_threads / tiled_step) {
      const int k = thread % tiled_step;
      const T *a = p.patch(pixel0 + row, k0 + k), *b = p.weight(o0 + row, k0 + k);
      as[row * pitch + k] = a ? convert<A>(load<T>(a)) : A(0);
      bs[row * pitch + k] = b ? convert<A>(load<T>(b)) : A(0);
    }
    __syncthreads();
    for (int k = 0; k < tiled_step; ++k) {
      A b[4];
      MR_UNROLL
      for (int j = 0; j < 4; ++j) b[j] = bs[(tx + 16 * j) * pitch + k];
      MR_UNROLL
      for (int i = 0; i < 4; ++i) {
        const A a = as[(ty + 16 * i) * pitch + k];
        MR_UNROLL
        for (int j = 0; j < 4; ++j) sums[i][j] = multiply_add(a, b[j], sums[i][j]);
      }
    }
    __syncthreads();
  }
  MR_UNROLL
  for (int i = 0; i < 4; ++i) {
    MR_UNROLL
    for (int j = 0; j < 4; ++j) p.finish(pixel0 + ty + 16 * i, o0 + tx + 16 * j, sums[i][j]);
  }
}

constexpr int matrix_threads = 128, matrix_step = 64, chunk = 8;  // four warps; 16 bytes

__device__ Pack<bf16, chunk> load_chunk(const bf16* from) { return from ? load<Pack<bf16, chunk>>(from) : Pack<bf16, chunk>{}; }

__global__ void __launch_bounds__(matrix_threads) matrix_kernel(Problem<bf16> p) {
  Shared shared;
  const auto as = shared.array<bf16>(tile * matrix_step), bs = shared.array<bf16>(tile * matrix_step);
  const int thread = static_cast<int>(threadIdx.x), warp = thread / warp_size, lane = thread % warp_size;
  const int row0 = warp / 2 * 32, column0 = warp % 2 * 32;  // of the warp's part of the tile
  const int64_t pixel0 = int64_t{blockIdx.x} * tile, o0 = int64_t{blockIdx.y} * tile;
  float sums[2][4][4] = {};
  for (int64_t k0 = 0; k0 < p.length(); k0 += matrix_step) {
    for (int row = thread / chunks; row < tile; row += matrix_threads / chunks) {
      const int k = thread % chunks * chunk;
      store(as + (row * matrix_step + k), load_chunk(p.patch(pixel0 + row, k0 + k)));
      store(bs + (row * matrix_step + k), load_chunk(p.weight(o0 + row, k0 + k)));
    }
    __syncthreads();
    MR_UNROLL
    for (int k = 0; k < matrix_step; k += 16) {
      uint32_t a[2][4];  // 16 pixels × 16
      uint32_t b[2][4];  // 16 channels × 16, each the b of two products
      MR_UNROLL
      for (int i = 0; i < 2; ++i) ldmatrix(a[i], as + ((row0 + 16 * i + lane % 16) * matrix_step + k + lane / 16 * 8));
      MR_UNROLL
      for (int j = 0; j < 2; ++j) ldmatrix(b[j], bs + ((column0 + 16 * j + lane / 16 * 8 + lane % 8) * matrix_step + k + lane / 8 % 2 * 8));
      MR_UNROLL
      for (int i = 0; i < 2; ++i) {
        MR_UNROLL
        for (int j = 0; j < 4; ++j) {
          const uint32_t half[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
          mma_bf16(sums[i][j], a[i], half);
        }
      }
    }
    __syncthreads();
  }
  MR_UNROLL
  for (int i = 0; i < 2; ++i) {
    MR_UNROLL
    for (int j = 0; j < 4; ++j) {
      MR_UNROLL
      for (int e = 0; e < 4; ++e)  // where ptx.h has d[e]
        p.finish(pixel0 + row0 + 16 * i + e / 2 * 8 + lane / 4, o0 + column0 + 8 * j + lane % 4 * 2 + e % 2, sums[i][j][e]);
    }
  }
}

template <class T> Problem<T> problem(const Conv2dCase& c, const Tensor& x, const Tensor& w, const Conv2dFinish& f, const Tensor& y) {
  return {c, x.device_data<T>(), w.device_data<T>(), finish_of<T>(f), y.device_data<T>()};
}

Dim3 tiles(const Conv2dCase& c) { return {(c.out_pixels() + tile - 1) / tile, (c.Cout + tile - 1) / tile}; }

// No more than gpu_im2col, which comes first.
bool tiled_supports(const Conv2dCase& c, Conv2dPass pass) { return pass == Conv2dPass::forward && gathers(c) && c.Cin > 0 && c.Cout > 0; }

Tensor tiled(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Tensor y = Tensor::empty(c.y_shape(), c.dtype, c.device), weights = weights_as(w, c.dtype);
  if (y.numel() == 0) return y;
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) {
    const size_t bytes = SharedSize().array<acc_t<T>>(tile * pitch).template array<acc_t<T>>(tile * pitch).bytes();
    launch("conv2d_tiled", tiles(c), {tiled_threads}, bytes, compute_stream(), tiled_kernel<T>, problem<T>(c, x, weights, f, y));
  });
  return y;
}

bool matrix_supports(const Conv2dCase& c, Conv2dPass pass) {
  return tiled_supports(c, pass) && c.dtype == DType::bf16 && c.Cin % chunk == 0;
}

Tensor matrix(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Tensor y = Tensor::empty(c.y_shape(), c.dtype, c.device), from = aligned(x), weights = aligned(weights_as(w, c.dtype));
  if (y.numel() == 0) return y;
  const size_t bytes = SharedSize().array<bf16>(tile * matrix_step).array<bf16>(tile * matrix_step).bytes();
  launch("conv2d_matrix", tiles(c), {matrix_threads}, bytes, compute_stream(), matrix_kernel, problem<bf16>(c, from, weights, f, y));
  return y;
}

}  // namespace

constinit const Conv2dRung conv2d_gpu_tiled{"gpu_tiled", tiled_supports, tiled, nullptr, nullptr};
constinit const Conv2dRung conv2d_gpu_matrix{"gpu_matrix", matrix_supports, matrix, nullptr, nullptr};

}  // namespace mr::gpu
