// c [M,N] = a [M,K] · b [K,N] on the matrix units: bf16 in, f32 out.
//
// A block of four warps makes a 64×64 tile of c; a warp makes 32×32 of it, as 2×4 products of 16×8. Tiles of a (64×32) and b (32×64) come to
// shared memory by cp.async, two stages, so that the next is under way while one is multiplied. In shared memory the 16-byte chunks of a
// row are exchanged (swizzled) such that the eight rows that ldmatrix reads at once lie in different banks.
#include "tensor/gpu/kernel.h"
#include "tests/gpu/kernels.h"

namespace mr::gpu::samples {
namespace {

constexpr int tile_m = 64, tile_n = 64, tile_k = 32, threads = 128, chunk = 8;  // bf16 a chunk
constexpr int size_a = tile_m * tile_k, size_b = tile_k * tile_n;               // elements a stage

// Where element (row, column) lies, column a multiple of 8. A row of a has 4 chunks, so two rows fill the banks once; a row of b has 8.
__device__ int at_a(int row, int column) { return row * tile_k + ((column / chunk) ^ (row / 2 % 4)) * chunk; }
__device__ int at_b(int row, int column) { return row * tile_n + ((column / chunk) ^ (row % 8)) * chunk; }

struct Problem {
  const bf16* a;
  const bf16* b;
  float* c;
  int M, N, K;
};

// Begins the copy of step `k0` of both tiles; what lies outside the matrices is zero.
__device__ void copy_tiles(const Problem& p, int m0, int n0, int k0, SharedArray<bf16> as, SharedArray<bf16> bs) {
  MR_UNROLL
  for (int i = 0; i < size_a / chunk / threads; ++i) {
    const int c = static_cast<int>(threadIdx.x) + i * threads, row = c / (tile_k / chunk), column = c % (tile_k / chunk) * chunk;
    const bool inside = m0 + row < p.M && k0 + column < p.K;
    cp_async<16>(as + at_a(row, column), p.a + (inside ? static_cast<int64_t>(m0 + row) * p.K + k0 + column : 0), inside);
  }
  MR_UNROLL
  for (int i = 0; i < size_b / chunk / threads; ++i) {
    const int c = static_cast<int>(threadIdx.x) + i * threads, row = c / (tile_n / chunk), column = c % (tile_n / chunk) * chunk;
    const bool inside = k0 + row < p.K && n0 + column < p.N;
    cp_async<16>(bs + at_b(row, column), p.b + (inside ? static_cast<int64_t>(k0 + row) * p.N + n0 + column : 0), inside);
  }
}

// d[i][j] += the products of a warp's rows (from wm) and columns (from wn) over one stage.
__device__ void multiply(SharedArray<bf16> as, SharedArray<bf16> bs, int wm, int wn, float (&d)[2][4][4]) {
  const int lane = static_cast<int>(threadIdx.x) % warp_size;
  MR_UNROLL
  for (int k = 0; k < tile_k; k += 16) {
    uint32_t a[2][4];  // two blocks of 16×16
    uint32_t b[2][4];  // two blocks of 16×16, each the b of two products
    MR_UNROLL
    for (int i = 0; i < 2; ++i) ldmatrix(a[i], as + at_a(wm + 16 * i + lane % 16, k + lane / 16 * 8));
    MR_UNROLL
    for (int j = 0; j < 2; ++j) ldmatrix_trans(b[j], bs + at_b(k + lane % 16, wn + 16 * j + lane / 16 * 8));
    MR_UNROLL
    for (int i = 0; i < 2; ++i) {
      MR_UNROLL
      for (int j = 0; j < 4; ++j) {
        const uint32_t half[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
        mma_bf16(d[i][j], a[i], half);
      }
    }
  }
}

__global__ void __launch_bounds__(threads) matmul_kernel(Problem p) {
  Shared shared;
  const auto as = shared.array<bf16>(2 * size_a), bs = shared.array<bf16>(2 * size_b);
  const int m0 = static_cast<int>(blockIdx.y) * tile_m, n0 = static_cast<int>(blockIdx.x) * tile_n;
  const int warp = static_cast<int>(threadIdx.x) / warp_size, lane = static_cast<int>(threadIdx.x) % warp_size;
  const int wm = warp / 2 * 32, wn = warp % 2 * 32;
  float d[2][4][4] = {};
  const int steps = (p.K + tile_k - 1) / tile_k;
  copy_tiles(p, m0, n0, 0, as, bs);
  cp_async_commit();
  for (int s = 0; s < steps; ++s) {
    const int now = s % 2, next = 1 - now;
    if (s + 1 < steps) copy_tiles(p, m0, n0, (s + 1) * tile_k, as + next * size_a, bs + next * size_b);
    cp_async_commit();  // in the last step a group of nothing, so that the count below holds
    cp_async_wait<1>();
    __syncthreads();
    multiply(as + now * size_a, bs + now * size_b, wm, wn, d);
    __syncthreads();  // the next step writes over this stage
  }
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j)
      for (int half = 0; half < 2; ++half) {
        const int row = m0 + wm + 16 * i + 8 * half + lane / 4, column = n0 + wn + 8 * j + lane % 4 * 2;
        if (row >= p.M || column >= p.N) continue;
        Pack<float, 2> two;
        two[0] = d[i][j][2 * half];
        two[1] = d[i][j][2 * half + 1];
        store(p.c + static_cast<int64_t>(row) * p.N + column, two);
      }
}

}  // namespace

void matmul(const bf16* a, const bf16* b, float* c, int M, int N, int K, Stream& stream) {
  const Dim3 grid{(N + tile_n - 1) / tile_n, (M + tile_m - 1) / tile_m};
  const size_t bytes = SharedSize().array<bf16>(2 * size_a).array<bf16>(2 * size_b).bytes();
  launch("matmul", grid, {threads}, bytes, stream, matmul_kernel, Problem{a, b, c, M, N, K});
}

}  // namespace mr::gpu::samples
