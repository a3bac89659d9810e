#include "tensor/gpu/blas.h"

namespace mr::gpu {

void check_gemm(const Gemm& g) {
  const bool same =
      g.type_a == g.type_b && g.type_a == g.type_c && (g.type_a == DType::f32 || g.type_a == DType::f64 || g.type_a == DType::bf16);
  const bool widening = g.type_a == DType::bf16 && g.type_b == DType::bf16 && g.type_c == DType::f32;
  check(same || widening, "gemm: types must be f32, f64 or bf16 throughout, or bf16 into f32, got ", g.type_a, ", ", g.type_b, " and ",
        g.type_c);
  check(g.m > 0 && g.n > 0 && g.k > 0 && g.batch > 0, "gemm: m, n, k and batch must be above 0, got ", g.m, ", ", g.n, ", ", g.k, " and ",
        g.batch);
  const auto leading = [](const char* name, int64_t ld, int64_t rows) {
    check(ld >= rows, "gemm: ", name, " must be at least the ", rows, " rows of the matrix as stored, got ", ld);
  };
  leading("lda", g.lda, g.op_a == Op::none ? g.m : g.k);
  leading("ldb", g.ldb, g.op_b == Op::none ? g.k : g.n);
  leading("ldc", g.ldc, g.m);
  check(g.epilogue == Epilogue::none || g.type_c != DType::f64, "gemm: an epilogue needs f32 or bf16, got f64");
  const bool wants_bias = g.epilogue == Epilogue::bias || g.epilogue == Epilogue::relu_bias;
  check(wants_bias == (g.bias != nullptr), "gemm: a bias must come with an epilogue that adds it, and only then");
}

}  // namespace mr::gpu
