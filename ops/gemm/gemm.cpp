#include "ops/gemm/gemm.h"

#include <algorithm>
#include <string_view>

#include "ops/gemm/gemm_kernel.h"
#include "ops/gemm/gemm_rungs.h"
#include "ops/rungs.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {
namespace {

constexpr GemmRung rungs[] = {
    {"own", gemm_own_supports, gemm_own},  // f32, f64
#ifdef MR_HAS_ONEDNN
    {"onednn", gemm_onednn_supports, gemm_onednn},  // bf16 with AVX-512
#endif
#ifdef MR_HAS_OPENBLAS
    {"openblas", gemm_openblas_supports, gemm_openblas},
#endif
    {"reference", [](const Gemm&) { return true; }, gemm_reference},
};

const GemmRung* forced() {
  static const GemmRung* const rung = forced_rung<GemmRung>("MR_GEMM", rungs);
  return rung;
}

template <class T, class C> void multiply(const Gemm& g) {
  const auto* a = static_cast<const T*>(g.a);
  const auto* b = static_cast<const T*>(g.b);
  parallel_for(g.M, kernel::task_grain(g.M, g.M * g.N * g.K), [&](int64_t i) {
    C* c = static_cast<C*>(g.c) + i * g.ldc;
    for (int64_t j = 0; j < g.N; ++j) {
      acc_t<T> sum = 0;
      for (int64_t k = 0; k < g.K; ++k)
        sum += static_cast<acc_t<T>>(a[g.transpose_a ? k * g.lda + i : i * g.lda + k]) *
               static_cast<acc_t<T>>(b[g.transpose_b ? j * g.ldb + k : k * g.ldb + j]);
      if (g.accumulate) sum += static_cast<acc_t<T>>(c[j]);
      if (g.scale) sum *= static_cast<const acc_t<T>*>(g.scale)[j];
      if (g.shift) sum += static_cast<const acc_t<T>*>(g.shift)[j];
      if (g.residual) sum += static_cast<acc_t<T>>(static_cast<const C*>(g.residual)[i * g.ldr + j]);
      c[j] = C(g.relu && sum < 0 ? acc_t<T>(0) : sum);
    }
  });
}

// bf16 where no rung has it: through f32 copies.
void gemm_through_f32(const Gemm& g) {
  const auto widen = [](const void* from, int64_t rows, int64_t columns, int64_t ld) {
    const Tensor t = Tensor::empty({rows, columns});
    parallel_for(rows, 64, [&](int64_t i) {
      for (int64_t j = 0; j < columns; ++j) t.data<float>()[i * columns + j] = static_cast<const bf16*>(from)[i * ld + j];
    });
    return t;
  };
  Gemm f = g;
  f.dtype = f.c_dtype = DType::f32;
  f.b_panels = nullptr;
  const Tensor a = g.transpose_a ? widen(g.a, g.K, g.M, g.lda) : widen(g.a, g.M, g.K, g.lda);
  const Tensor b = g.transpose_b ? widen(g.b, g.N, g.K, g.ldb) : widen(g.b, g.K, g.N, g.ldb);
  f.a = a.raw();
  f.lda = a.size(1);
  f.b = b.raw();
  f.ldb = b.size(1);
  if (g.c_dtype == DType::f32) return gemm(f);
  const Tensor residual = g.residual ? widen(g.residual, g.M, g.N, g.ldr) : Tensor();
  const Tensor c = g.accumulate ? widen(g.c, g.M, g.N, g.ldc) : Tensor::empty({g.M, g.N});
  f.c = c.raw();
  f.ldc = g.N;
  f.residual = g.residual ? residual.raw() : nullptr;
  f.ldr = g.N;
  gemm(f);
  parallel_for(g.M, 64, [&](int64_t i) {
    for (int64_t j = 0; j < g.N; ++j) static_cast<bf16*>(g.c)[i * g.ldc + j] = bf16(c.data<float>()[i * g.N + j]);
  });
}

// c = relu(c · scale + shift + residual) of some rows.
template <class T> struct Finish {
  const Gemm& g;
  int64_t begin, end;

  template <int W> void operator()(Lanes<W>) const {
    using A = acc_t<T>;
    constexpr int L = W * 4 / static_cast<int>(sizeof(A));
    const A *scale = static_cast<const A*>(g.scale), *shift = static_cast<const A*>(g.shift);
    for (int64_t i = begin; i < end; ++i) {
      T* c = static_cast<T*>(g.c) + i * g.ldc;
      const T* r = g.residual ? static_cast<const T*>(g.residual) + i * g.ldr : nullptr;
      for_channels<L>(g.N, [&]<int V>(Lanes<V>, int64_t j) {
        Vec<A, V> v = load<V>(c + j);
        if (scale) v *= load<V>(scale + j);
        if (shift) v += load<V>(shift + j);
        if (r) v += load<V>(r + j);
        if (g.relu) v = v < Vec<A, V>{} ? Vec<A, V>{} : v;
        store<V>(c + j, v);
      });
    }
  }
};

template <class T> void finish(const Gemm& g) {
  parallel_ranges(g.M, std::max<int64_t>(1, 8192 / std::max<int64_t>(1, g.N)), [&](int64_t begin, int64_t end) {
    with_simd(Finish<T>{g, begin, end});
  });
}

}  // namespace

void gemm_reference(const Gemm& g) {
  if (g.dtype == DType::f32) return multiply<float, float>(g);
  if (g.dtype == DType::f64) return multiply<double, double>(g);
  if (g.c_dtype == DType::f32) return multiply<bf16, float>(g);
  multiply<bf16, bf16>(g);
}

void gemm_finish(const Gemm& g) {
  if (!g.scale && !g.shift && !g.residual && !g.relu) return;
  if (g.dtype == DType::f64) return finish<double>(g);
  if (g.c_dtype == DType::f32) return finish<float>(g);
  finish<bf16>(g);
}

std::span<const GemmRung> gemm_rungs() { return rungs; }

const GemmRung& gemm_choice(const Gemm& g) {
  if (const GemmRung* f = forced(); f && f->supports(g)) return *f;
  for (const GemmRung& r : rungs)
    if (r.supports(g)) return r;
  return rungs[std::size(rungs) - 1];
}

void gemm(const Gemm& g) {
  check(g.M >= 0 && g.N >= 0 && g.K >= 0, "gemm: sizes must not be negative, got ", g.M, " × ", g.N, " × ", g.K);
  check(is_float(g.dtype), "gemm: expected a floating type (f32, bf16, f64), got ", g.dtype);
  check(g.c_dtype == g.dtype || (g.dtype == DType::bf16 && g.c_dtype == DType::f32), "gemm: C of ", g.dtype, " factors cannot be ",
        g.c_dtype);
  check(g.lda >= (g.transpose_a ? g.M : g.K) && g.ldb >= (g.transpose_b ? g.K : g.N) && g.ldc >= g.N,
        "gemm: a leading dimension is smaller than its row, got lda ", g.lda, ", ldb ", g.ldb, ", ldc ", g.ldc);
  if (g.M == 0 || g.N == 0) return;
  const GemmRung& rung = gemm_choice(g);
  if (g.dtype == DType::bf16 && rung.run == gemm_reference && !forced()) return gemm_through_f32(g);
  rung.run(g);
}

bool gemm_has(DType dtype) {
  Gemm g;
  g.M = g.N = g.K = 16;
  g.dtype = g.c_dtype = dtype;
  return gemm_choice(g).run != gemm_reference;
}

void gemm_with_weights(Gemm g, const Var& w) {
  const Tensor value = w.dtype() == g.dtype ? w.value() : w.derived(name(g.dtype), [&](const Tensor& v) { return v.to(g.dtype); });
  g.b = value.raw();
  g.ldb = g.transpose_b ? g.K : g.N;
  if (gemm_choice(g).run != gemm_own) return gemm(g);
  const auto pack = [&]<class T>(T) {
    return w.derived(str("panels", g.transpose_b ? "^T " : " ", g.dtype).c_str(), [&](const Tensor&) {
      const Tensor t = Tensor::empty({g.K * kernel::packed_columns(kernel::panels<T>(), g.N)}, g.dtype);
      kernel::pack_panels(value.data<T>(), g.ldb, g.transpose_b, g.N, g.K, t.data<T>());
      return t;
    });
  };
  const Tensor packed = g.dtype == DType::f32 ? pack(float{}) : pack(double{});
  g.b_panels = packed.raw();
  gemm(g);
}

}  // namespace mr
