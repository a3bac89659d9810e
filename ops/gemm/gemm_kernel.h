// The inner product of everything here: a tile of C held in registers while k runs.
//
//   AVX2: 6 rows × 2 vectors of 8: 12 sums, 2 vectors of B and one broadcast of A fill the 16 registers; two multiply-adds a cycle.
//   AVX-512: 12 rows × 2 vectors of 16.
//
// B comes in panels of NR columns, [k][NR] one after the other, so that it is read in order; the
// last panel is one vector wide if that holds the rest. A is read where it lies (rows apart by lda,
// k contiguous), or from groups of `group` rows, [k][group], when it has to be transposed. Which k
// are summed, and in which order, depends on K alone: never on how C is cut.
#pragma once

#include <algorithm>
#include <limits>
#include <numeric>

#include "tensor/simd.h"

namespace mr::kernel {

template <class T, int W> struct Tile {
  static constexpr int lanes = W * 4 / static_cast<int>(sizeof(T));
  static constexpr int rows = W == 16 ? 12 : 6;
  static constexpr int vectors = 2;
  static constexpr int columns = vectors * lanes;  // NR
  static constexpr int group = W == 16 ? 48 : 24;  // rows of a group of A: whole tiles and whole vectors
};
constexpr int64_t k_block = 288;  // a B panel of this depth stays in L1, an A block in L2

// The same at run time, for the processor that is there.
struct Panels {
  int64_t columns, lanes, group;
};
template <class T> Panels panels() {
  const int w = isa() == Isa::v4 ? 16 : isa() == Isa::v3 ? 8 : 4;
  const int lanes = w * 4 / static_cast<int>(sizeof(T));
  return {2 * lanes, lanes, w == 16 ? 48 : 24};
}
inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
// Width of the panel that starts at column j of N.
inline int64_t panel_width(const Panels& p, int64_t N, int64_t j) { return N - j > p.lanes ? p.columns : p.lanes; }
inline int64_t packed_columns(const Panels& p, int64_t N) { return round_up(N, p.lanes); }

// The grain of a parallel loop over tasks: all in one where the whole is too little to wake a
// thread for.
inline int64_t task_grain(int64_t tasks, int64_t multiply_adds) { return multiply_adds < (1 << 20) ? std::max<int64_t>(tasks, 1) : 1; }

// What happens to a finished sum on its way to memory.
template <class T> struct Finish {
  bool accumulate = false;
  const T *scale = nullptr, *shift = nullptr, *residual = nullptr;
  int64_t ldr = 0;
  bool relu = false;
};

// C (m,n) over k, A's rows or groups, B's panels from a panel's first column on.
template <class T> struct Block {
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t lda = 0;  // from row to row, or from group to group
  const T* b = nullptr;
  int64_t ldb = 0;  // from panel to panel
  T* c = nullptr;
  int64_t ldc = 0;
  Finish<T> finish;
};

namespace detail {

template <class T, int W> using V = Vec<T, W * 4 / static_cast<int>(sizeof(T))>;

template <class T, int W> [[gnu::always_inline]] inline V<T, W> multiply_add(V<T, W> a, V<T, W> b, V<T, W> c) {
#if defined(__aarch64__)
  return fma(a, b, c);
#else
  if constexpr (W > 4)
    return fma(a, b, c);
  else
    return a * b + c;  // the x86-64 baseline has no fused one
#endif
}

template <class T> [[gnu::always_inline]] inline T finished(T sum, const Finish<T>& f, const T* c, const T* residual, int64_t column) {
  if (f.accumulate) sum += *c;
  if (f.scale) sum *= f.scale[column];
  if (f.shift) sum += f.shift[column];
  if (f.residual) sum += *residual;
  return f.relu && sum < 0 ? T(0) : sum;  // NaN stays NaN
}

// One tile: rows × (NV vectors); `m` rows and `n` columns of it exist. `next`: what the tile after
// the next panel's start will read, asked for meanwhile, a line every 16 k.
template <class T, int W, int NV, bool Grouped>
[[gnu::always_inline]] inline void tile(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, T* c, int64_t ldc,
                                        const Finish<T>& f, int64_t row, int64_t column, const T* next) {
  using S = Tile<T, W>;
  constexpr int MR = S::rows, L = S::lanes;
  constexpr int64_t step = Grouped ? S::group : 1;
  V<T, W> sum[MR][NV];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) sum[i][v] = V<T, W>{};
  const T* p[MR];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) p[i] = Grouped ? a + i : a + std::min<int64_t>(i, m - 1) * lda;
  c += row * ldc + column;
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i) __builtin_prefetch(c + std::min<int64_t>(i, m - 1) * ldc, 1);
  for (int64_t q0 = 0; q0 < k; q0 += 16) {
    __builtin_prefetch(next);
    next += 64 / sizeof(T);
    const int64_t q1 = std::min(k, q0 + 16);
#pragma GCC unroll 4
    for (int64_t q = q0; q < q1; ++q) {
      V<T, W> bv[NV];
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) bv[v] = load<L>(b + (q * NV + v) * L);
#pragma GCC unroll 16
      for (int i = 0; i < MR; ++i) {
        const V<T, W> av = splat<L>(p[i][q * step]);
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) sum[i][v] = multiply_add<T, W>(av, bv[v], sum[i][v]);
      }
    }
  }
  const bool affine = f.scale || f.shift, whole = m == MR && n == NV * L;
  if (whole && f.accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) sum[i][v] += load<L>(c + i * ldc + v * L);
  }
  if (whole && !affine && !f.residual && !f.relu) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) store<L>(c + i * ldc + v * L, sum[i][v]);
    return;
  }
  const T* residual = f.residual ? f.residual + row * f.ldr + column : nullptr;
  if (whole) {
    const T low = f.relu ? T(0) : -std::numeric_limits<T>::infinity();
    V<T, W> scale[NV], shift[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      scale[v] = f.scale ? load<L>(f.scale + column + v * L) : splat<L>(T(1));
      shift[v] = f.shift ? load<L>(f.shift + column + v * L) : V<T, W>{};
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) {
        V<T, W> s = sum[i][v] * scale[v] + shift[v];
        if (residual) s += load<L>(residual + i * f.ldr + v * L);
        store<L>(c + i * ldc + v * L, s < low ? splat<L>(low) : s);
      }
    return;
  }
  T rest[MR][NV * L];
#pragma GCC unroll 16
  for (int i = 0; i < MR; ++i)
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) store<L>(&rest[i][v * L], sum[i][v]);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      T* to = c + i * ldc + j;
      *to = finished(rest[i][j], f, to, residual ? residual + i * f.ldr + j : nullptr, column + j);
    }
}

}  // namespace detail

// Runs inside a with_simd kernel. A strip of C's columns is finished before the next,
// so that it is added to while in cache.
template <class T, int W, bool Grouped> [[gnu::always_inline]] inline void run_block(const Block<T>& g) {
  using S = Tile<T, W>;
  constexpr int64_t strip = 16 * S::columns, line = 64 / static_cast<int64_t>(sizeof(T));
  const int64_t pieces = std::max<int64_t>(1, (g.k + k_block - 1) / k_block), depth = (g.k + pieces - 1) / pieces;
  for (int64_t j0 = 0; j0 < g.n; j0 += strip)
    for (int64_t piece = 0; piece < pieces; ++piece) {
      const int64_t k0 = piece * depth, k = std::min(depth, g.k - k0);
      Finish<T> f;
      if (piece == pieces - 1) f = g.finish;
      f.accumulate = g.finish.accumulate || piece > 0;
      for (int64_t j = j0; j < std::min(g.n, j0 + strip); j += S::columns) {
        const int64_t n = std::min<int64_t>(S::columns, g.n - j);
        const T* b = g.b + j / S::columns * g.ldb;
        for (int64_t i = 0; i < g.m; i += S::rows) {
          const int64_t m = std::min<int64_t>(S::rows, g.m - i);
          const T* a = Grouped ? g.a + i / S::group * g.lda + k0 * S::group + i % S::group : g.a + i * g.lda + k0;
          const T* next = b + g.ldb + k0 * S::columns + i / S::rows * (k / 16) * line;
          if (n > S::lanes)
            detail::tile<T, W, S::vectors, Grouped>(m, n, k, a, g.lda, b + k0 * S::columns, g.c, g.ldc, f, i, j, next);
          else
            detail::tile<T, W, 1, Grouped>(m, n, k, a, g.lda, b + k0 * S::lanes, g.c, g.ldc, f, i, j, next);
        }
      }
    }
}

// As a call, where the caller is not itself such a kernel.
template <class T> void block_rows(const Block<T>& g);    // A where it lies
template <class T> void block_groups(const Block<T>& g);  // A in groups

// Columns [j, j+width) of op(B), rows [k0, k0+k),
// into one panel [k][panel width]; columns beyond N are zero.
// `transpose`: B is [N,K].
template <class T> void pack_panel(const T* b, int64_t ldb, bool transpose, int64_t N, int64_t j, int64_t k0, int64_t k, T* to);
// Rows [i, i+group) of A given as [K,M], k in [k0, k0+k),
// into one group [k][group]; rows beyond M are zero.
template <class T> void pack_group(const T* a, int64_t lda, int64_t M, int64_t i, int64_t k0, int64_t k, T* to);
// All of op(B) (K,N): panels one after the other, each [K][width]. Size: K · packed_columns.
template <class T> void pack_panels(const T* b, int64_t ldb, bool transpose, int64_t N, int64_t K, T* to);

}  // namespace mr::kernel
