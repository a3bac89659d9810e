// OpenBLAS's gemm: a peer to measure ours by.
#include <cblas.h>

#include "ops/gemm/gemm_rungs.h"
#include "tensor/parallel.h"

namespace mr {

bool gemm_openblas_supports(const Gemm& g) {
  return (g.dtype == DType::f32 || g.dtype == DType::f64) && std::max({g.M, g.N, g.K, g.lda, g.ldb, g.ldc}) < (int64_t{1} << 31) && g.K > 0;
}

void gemm_openblas(const Gemm& g) {
  openblas_set_num_threads(thread_count());
  const auto i32 = [](int64_t v) { return static_cast<blasint>(v); };
  const auto ta = g.transpose_a ? CblasTrans : CblasNoTrans, tb = g.transpose_b ? CblasTrans : CblasNoTrans;
  if (g.dtype == DType::f32) {
    cblas_sgemm(CblasRowMajor, ta, tb, i32(g.M), i32(g.N), i32(g.K), 1.0f, static_cast<const float*>(g.a), i32(g.lda),
                static_cast<const float*>(g.b), i32(g.ldb), g.accumulate ? 1.0f : 0.0f, static_cast<float*>(g.c), i32(g.ldc));
  } else {
    cblas_dgemm(CblasRowMajor, ta, tb, i32(g.M), i32(g.N), i32(g.K), 1.0, static_cast<const double*>(g.a), i32(g.lda),
                static_cast<const double*>(g.b), i32(g.ldb), g.accumulate ? 1.0 : 0.0, static_cast<double*>(g.c), i32(g.ldc));
  }
  gemm_finish(g);
}

}  // namespace mr
