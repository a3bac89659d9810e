// Our own matrix product. C is cut into blocks, one a task; K into pieces whose packed B and A stay in cache; in a block,
// gemm_kernel.h takes over.
#include "ops/gemm/gemm_kernel.h"
#include "ops/gemm/gemm_rungs.h"
#include "tensor/parallel.h"

namespace mr {
namespace kernel {

namespace {

template <class T, bool Grouped> struct RunBlock {
  const Block<T>& g;
  template <int W> void operator()(Lanes<W>) const { run_block<T, W, Grouped>(g); }
};

}  // namespace

template <class T> void block_rows(const Block<T>& g) { with_simd(RunBlock<T, false>{g}); }
template <class T> void block_groups(const Block<T>& g) { with_simd(RunBlock<T, true>{g}); }
template void block_rows(const Block<float>&);
template void block_rows(const Block<double>&);
template void block_groups(const Block<float>&);
template void block_groups(const Block<double>&);

template <class T> void pack_panel(const T* b, int64_t ldb, bool transpose, int64_t N, int64_t j, int64_t k0, int64_t k, T* to) {
  const int64_t width = panel_width(panels<T>(), N, j), n = std::min(width, N - j);
  if (transpose) {
    constexpr int64_t strip = 64;  // of k: what is written stays in L1 while the columns come in
    for (int64_t q0 = 0; q0 < k; q0 += strip) {
      const int64_t q1 = std::min(k, q0 + strip);
      for (int64_t c = 0; c < width; ++c) {
        const T* from = c < n ? b + (j + c) * ldb + k0 : nullptr;
        for (int64_t q = q0; q < q1; ++q) to[q * width + c] = from ? from[q] : T(0);
      }
    }
    return;
  }
  for (int64_t q = 0; q < k; ++q) {
    const T* from = b + (k0 + q) * ldb + j;
    std::memcpy(to + q * width, from, static_cast<size_t>(n) * sizeof(T));
    std::fill(to + q * width + n, to + (q + 1) * width, T(0));
  }
}
template void pack_panel(const float*, int64_t, bool, int64_t, int64_t, int64_t, int64_t, float*);
template void pack_panel(const double*, int64_t, bool, int64_t, int64_t, int64_t, int64_t, double*);

template <class T> void pack_group(const T* a, int64_t lda, int64_t M, int64_t i, int64_t k0, int64_t k, T* to) {
  const int64_t group = panels<T>().group, m = std::min(group, M - i);
  for (int64_t q = 0; q < k; ++q) {
    const T* from = a + (k0 + q) * lda + i;
    std::memcpy(to + q * group, from, static_cast<size_t>(m) * sizeof(T));
    std::fill(to + q * group + m, to + (q + 1) * group, T(0));
  }
}
template void pack_group(const float*, int64_t, int64_t, int64_t, int64_t, int64_t, float*);
template void pack_group(const double*, int64_t, int64_t, int64_t, int64_t, int64_t, double*);

template <class T> void pack_panels(const T* b, int64_t ldb, bool transpose, int64_t N, int64_t K, T* to) {
  const Panels p = panels<T>();
  parallel_for((N + p.columns - 1) / p.columns, std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, K * p.columns)), [&](int64_t panel) {
    const int64_t j = panel * p.columns;
    pack_panel(b, ldb, transpose, N, j, 0, K, to + j * K);
  });
}
template void pack_panels(const float*, int64_t, bool, int64_t, int64_t, float*);
template void pack_panels(const double*, int64_t, bool, int64_t, int64_t, double*);

}  // namespace kernel

namespace {

using kernel::round_up;

// How C is cut: blocks of `rows` × `columns`, enough of them for a few threads, each large enough to be worth the packing.
struct Cut {
  int64_t rows, columns, down, across;
  int64_t tasks() const { return down * across; }
};
Cut cut(int64_t M, int64_t N, const kernel::Panels& p) {
  constexpr int64_t enough = 16;
  Cut c{96, round_up(N, p.columns), 0, 1};
  c.down = (M + c.rows - 1) / c.rows;
  const int64_t panels = c.columns / p.columns;
  if (c.down < enough) {
    const int64_t want = std::min(panels, (enough + c.down - 1) / std::max<int64_t>(c.down, 1));
    c.columns = (panels + want - 1) / want * p.columns;
  }
  c.across = (N + c.columns - 1) / c.columns;
  while (c.tasks() < enough && c.rows > p.group) {
    c.rows /= 2;
    c.down = (M + c.rows - 1) / c.rows;
  }
  return c;
}

template <class T> void run(const Gemm& g) {
  if (g.M == 0 || g.N == 0) return;
  const kernel::Panels p = kernel::panels<T>();
  const Cut blocks = cut(g.M, g.N, p);
  const auto* a = static_cast<const T*>(g.a);
  const auto* b = static_cast<const T*>(g.b);
  const auto* packed = g.transpose_a ? nullptr : static_cast<const T*>(g.b_panels);  // then K is in one piece
  const int64_t columns = kernel::packed_columns(p, g.N), rows = round_up(g.M, p.group);

  int64_t depth = std::max<int64_t>(g.K, 1);  // of a piece of K
  if (!packed || g.transpose_a) {
    const int64_t width = (packed ? 0 : columns) + (g.transpose_a ? rows : 0);
    constexpr int64_t pack_bytes = 3 << 20;  // of packed A and B: shared cache
    const int64_t fit = pack_bytes / static_cast<int64_t>(sizeof(T)) / width / kernel::k_block * kernel::k_block;
    depth = std::min(depth, std::max(kernel::k_block, fit));
  }
  const Tensor b_scratch = packed ? Tensor() : Tensor::empty({columns * depth}, dtype_of<T>());
  const Tensor a_scratch = g.transpose_a ? Tensor::empty({rows * depth}, dtype_of<T>()) : Tensor();

  for (int64_t k0 = 0; k0 == 0 || k0 < g.K; k0 += depth) {
    const int64_t k = std::min(depth, g.K - k0);
    const T* b_panels = packed ? packed : b_scratch.data<T>();
    const T* a_groups = g.transpose_a ? a_scratch.data<T>() : nullptr;
    const int64_t n_panels = packed ? 0 : (g.N + p.columns - 1) / p.columns, n_groups = g.transpose_a ? rows / p.group : 0;
    parallel_for(n_panels + n_groups, std::max<int64_t>(1, (1 << 15) / (k * p.columns + 1)), [&](int64_t i) {
      if (i < n_panels)
        kernel::pack_panel(b, g.ldb, g.transpose_b, g.N, i * p.columns, k0, k, b_scratch.data<T>() + i * p.columns * k);
      else
        kernel::pack_group(a, g.lda, g.M, (i - n_panels) * p.group, k0, k, a_scratch.data<T>() + (i - n_panels) * p.group * k);
    });
    const bool last = k0 + k >= g.K;
    const auto* scale = last ? static_cast<const T*>(g.scale) : nullptr;
    const auto* shift = last ? static_cast<const T*>(g.shift) : nullptr;
    const auto* residual = last ? static_cast<const T*>(g.residual) : nullptr;
    const int64_t panel_step = k * p.columns;
    parallel_for(blocks.tasks(), kernel::task_grain(blocks.tasks(), g.M * g.N * k), [&](int64_t task) {
      const int64_t i = task % blocks.down * blocks.rows, j = task / blocks.down * blocks.columns;
      kernel::Block<T> block;
      block.m = std::min(blocks.rows, g.M - i);
      block.n = std::min(blocks.columns, g.N - j);
      block.k = k;
      block.a = g.transpose_a ? a_groups + i / p.group * p.group * k : a + i * g.lda + k0;
      block.lda = g.transpose_a ? p.group * k : g.lda;
      block.b = b_panels + j / p.columns * panel_step;
      block.ldb = panel_step;
      block.c = static_cast<T*>(g.c) + i * g.ldc + j;
      block.ldc = g.ldc;
      block.finish = {g.accumulate || k0 > 0,
                      scale ? scale + j : nullptr,
                      shift ? shift + j : nullptr,
                      residual ? residual + i * g.ldr + j : nullptr,
                      g.ldr,
                      last && g.relu};
      if (g.transpose_a)
        kernel::block_groups(block);
      else
        kernel::block_rows(block);
    });
  }
}

}  // namespace

bool gemm_own_supports(const Gemm& g) { return (g.dtype == DType::f32 || g.dtype == DType::f64) && g.c_dtype == g.dtype; }

void gemm_own(const Gemm& g) {
  if (g.dtype == DType::f32)
    run<float>(g);
  else
    run<double>(g);
}

}  // namespace mr
