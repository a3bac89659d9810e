// What a block of gpu_implicit does with a step that lies in shared memory,
// on either unit of the multiprocessor:
//
//   MatrixSums   the matrix units: bf16, sums in f32. A warp has m/2 × 32 of the tile, as products of 16×8×16; of tf32, 16×8×8
//   FmaSums      fused multiply-adds: f32 and f64. Thread (i, j) of 16×16 has the rows ≡ i and the columns ≡ j (mod 16)
//
// A tile of either side is m (or n) rows of 128 bytes along the sum, in 8 chunks of 16 bytes. Chunk
// c of row r lies at place c ^ (r mod 8): the rows that a warp reads at once then lie in different
// banks, as do the chunks that it writes.
#pragma once

#include "ops/conv/conv2d_gpu_gather.h"
#include "ops/conv/conv2d_gpu_kernel.h"

namespace mr::gpu {

constexpr int chunks = 8;                                                      // in a row of a tile
template <class T> constexpr int chunk_of = 16 / static_cast<int>(sizeof(T));  // elements in 16 bytes
constexpr unsigned all_lanes = 0xffffffffu;

template <class Element, int M, int N, int S, bool tf32 = false> struct Tile {
  using T = Element;
  static constexpr bool on_matrix_units = std::is_same_v<T, bf16> || tf32;
  static constexpr int m = M, n = N, stages = S, chunk = chunk_of<T>, k = chunks * chunk;
  static constexpr int threads = on_matrix_units ? 2 * N : 256;
  static constexpr size_t shared_bytes = SharedSize().array<T>(S * M * k).template array<T>(S * N * k).bytes();
  __device__ static int at(int row, int c) { return row * k + (c ^ row % chunks) * chunk; }
};

// Where the sums go: row and column of the product → an element of the output, finished.
template <class T> struct Output {
  GatherShape shape;
  Finish<T> finished;
  T* to;
};

__device__ inline float multiply_add(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ inline double multiply_add(double a, double b, double c) { return __fma_rn(a, b, c); }

template <class Tile> class FmaSums {
  using T = typename Tile::T;
  static constexpr int I = Tile::m / 16, J = Tile::n / 16, V = Tile::chunk;

 public:
  // A warp reads 2 rows of a, the same for half of its lanes, and 16 of b.
  __device__ void multiply(SharedArray<T> as, SharedArray<T> bs) {
    MR_UNROLL
    for (int c = 0; c < chunks; ++c) {
      Pack<T, V> b[J];
      MR_UNROLL
      for (int j = 0; j < J; ++j) b[j] = load<Pack<T, V>>(bs + Tile::at(column() + 16 * j, c));
      MR_UNROLL
      for (int i = 0; i < I; ++i) {
        const auto a = load<Pack<T, V>>(as + Tile::at(row() + 16 * i, c));
        MR_UNROLL
        for (int j = 0; j < J; ++j) {
          MR_UNROLL
          for (int k = 0; k < V; ++k) d_[i][j] = multiply_add(a[k], b[j][k], d_[i][j]);
        }
      }
    }
  }

  // Half a warp writes 16 neighbouring channels.
  __device__ void finish(const Output<T>& out, const GatherAxis& h, const GatherAxis& w, int m0, int n0) const {
    MR_UNROLL
    for (int i = 0; i < I; ++i) {
      const int r = m0 + row() + 16 * i;
      if (r >= out.shape.N * h.rows * w.rows) continue;
      const int64_t to = out.shape.to_pixel(h, w, r) * out.shape.to_channels;
      MR_UNROLL
      for (int j = 0; j < J; ++j) {
        const int n = n0 + column() + 16 * j;
        if (n < out.shape.to_channels) store(out.to + to + n, out.finished(d_[i][j], n, to + n));
      }
    }
  }

 private:
  __device__ static int row() { return static_cast<int>(threadIdx.x) / 16; }
  __device__ static int column() { return static_cast<int>(threadIdx.x) % 16; }

  T d_[I][J] = {};
};

// d += a·b over 32 bytes of each row: ldmatrix gives a lane 4 bytes where the product wants them,
// which are two bf16 or one f32.
template <class T> __device__ __forceinline__ void multiply_fragments(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  if constexpr (std::is_same_v<T, bf16>)
    mma_bf16(d, a, b);
  else
    mma_tf32(d, a, b);
}

// f32 as the matrix units are to read it; bf16 as it is.
template <class T, int n> __device__ __forceinline__ void round_fragments(uint32_t (&r)[n]) {
  if constexpr (!std::is_same_v<T, bf16>) {
    MR_UNROLL
    for (int k = 0; k < n; ++k) {
      float v;
      memcpy(&v, &r[k], sizeof v);
      r[k] = to_tf32(v);
    }
  }
}

template <class Tile> class MatrixSums {
  using T = typename Tile::T;
  static constexpr int I = Tile::m / 2 / 16;

 public:
  __device__ void multiply(SharedArray<T> as, SharedArray<T> bs) {
    const int lane = static_cast<int>(threadIdx.x) % warp_size;
    MR_UNROLL
    for (int c = 0; c < chunks; c += 2) {
      uint32_t a[I][4];  // 16 rows × 32 bytes
      uint32_t b[2][4];  // 16 columns × 32 bytes, each the b of two products
      MR_UNROLL
      for (int i = 0; i < I; ++i) {
        ldmatrix(a[i], as + Tile::at(row() + 16 * i + lane % 16, c + lane / 16));
        round_fragments<T>(a[i]);
      }
      MR_UNROLL
      for (int j = 0; j < 2; ++j) {
        ldmatrix(b[j], bs + Tile::at(column() + 16 * j + lane / 16 * 8 + lane % 8, c + lane / 8 % 2));
        round_fragments<T>(b[j]);
      }
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

  // A lane holds 2 neighbouring channels of each of 4 groups of 8; the four lanes of a row exchange
  // them so that each has 8 neighbours: 16 bytes a lane, 64 a row.
  __device__ void finish(const Output<bf16>& out, const GatherAxis& h, const GatherAxis& w, int m0, int n0) const {
    constexpr int chunk = Tile::chunk;
    const int lane = static_cast<int>(threadIdx.x) % warp_size, n = n0 + column() + lane % 4 * chunk, C = out.shape.to_channels;
    float scale[chunk], shift[chunk];
    MR_UNROLL
    for (int k = 0; k < chunk; ++k) {
      scale[k] = out.finished.scale && n < C ? out.finished.scale[n + k] : 1;
      shift[k] = out.finished.shift && n < C ? out.finished.shift[n + k] : 0;
    }
    MR_UNROLL
    for (int i = 0; i < I; ++i) {
      MR_UNROLL
      for (int half = 0; half < 2; ++half) {
        float v[4][2];
        MR_UNROLL
        for (int j = 0; j < 4; ++j) v[j][0] = d_[i][j][2 * half], v[j][1] = d_[i][j][2 * half + 1];
        gather_columns(v);
        const int r = m0 + row() + 16 * i + 8 * half + lane / 4;
        if (r >= out.shape.N * h.rows * w.rows || n >= C) continue;
        const int64_t to = out.shape.to_pixel(h, w, r) * C + n;
        Pack<bf16, chunk> residual{}, y;
        if (out.finished.residual) residual = load<Pack<bf16, chunk>>(out.finished.residual.p + to);
        const Conv2dFinishOf<const float*, const bf16*> finished{scale, shift, residual.v, out.finished.relu};
        MR_UNROLL
        for (int k = 0; k < chunk; ++k) y[k] = bf16(finished(v[k / 2][k % 2], k, k));
        store(out.to + to, y);
      }
    }
  }

  // Four lanes write 32 bytes of a row.
  __device__ void finish(const Output<float>& out, const GatherAxis& h, const GatherAxis& w, int m0, int n0) const {
    const int lane = static_cast<int>(threadIdx.x) % warp_size, C = out.shape.to_channels;
    MR_UNROLL
    for (int j = 0; j < 4; ++j) {
      const int n = n0 + column() + 8 * j + lane % 4 * 2;
      if (n >= C) continue;
      float scale[2], shift[2];
      MR_UNROLL
      for (int k = 0; k < 2; ++k) {
        scale[k] = out.finished.scale ? out.finished.scale[n + k] : 1;
        shift[k] = out.finished.shift ? out.finished.shift[n + k] : 0;
      }
      MR_UNROLL
      for (int i = 0; i < 2 * I; ++i) {
        const int r = m0 + row() + 8 * i + lane / 4;
        if (r >= out.shape.N * h.rows * w.rows) continue;
        const int64_t to = out.shape.to_pixel(h, w, r) * C + n;
        Pack<float, 2> residual{}, y;
        if (out.finished.residual) residual = load<Pack<float, 2>>(out.finished.residual.p + to);
        const Conv2dFinishOf<const float*, const float*> finished{scale, shift, residual.v, out.finished.relu};
        MR_UNROLL
        for (int k = 0; k < 2; ++k) y[k] = finished(d_[i / 2][j][i % 2 * 2 + k], k, k);
        store(out.to + to, y);
      }
    }
  }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / warp_size; }
  __device__ static int row() { return warp() % 2 * (Tile::m / 2); }
  __device__ static int column() { return warp() / 2 * 32; }

  // Lane t of four has columns 2t, 2t+1 of each of four groups of 8 columns, two values a group;
  // afterwards it has the 8 columns of group t.
  // A transpose of 4×4 pairs: each round exchanges what lies off the diagonal of blocks of `d`.
  __device__ static void gather_columns(float (&v)[4][2]) {
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

  float d_[I][4][4] = {};
};

// The pipeline: while one step is multiplied, the copies of the next stages − 1 are on their way.
// as and bs have room for `stages` tiles of size_a and size_b elements.
template <int stages, class Copier, class Sum, class T>
__device__ void multiply_steps(Copier& copier, Sum& sums, SharedArray<T> as, int size_a, SharedArray<T> bs, int size_b, int steps) {
  for (int s = 0; s < stages - 1; ++s) {
    if (s < steps) copier.copy(as + s * size_a, bs + s * size_b);
    cp_async_commit();
  }
  for (int s = 0; s < steps; ++s) {
    cp_async_wait<stages - 2>();
    __syncthreads();  // step s has landed for all, and all are done with step s − 1, whose stage is filled next
    const int next = s + stages - 1;
    if (next < steps) copier.copy(as + next % stages * size_a, bs + next % stages * size_b);
    cp_async_commit();  // at the end a group of nothing, so that the count above holds
    sums.multiply(as + s % stages * size_a, bs + s % stages * size_b);
  }
}

template <class Tile> using Sums = std::conditional_t<Tile::on_matrix_units, MatrixSums<Tile>, FmaSums<Tile>>;

}  // namespace mr::gpu
