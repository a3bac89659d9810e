// gemm against the formula in f64, in the library's column-major terms.
#include "tensor/gpu/blas.h"

#include <cmath>

#include "tests/gpu/device.h"

using namespace mr;
using namespace mr::gpu;

namespace {

// Sizes and leading dimensions that differ from each other, so that no two can be mistaken for one another.
template <class T, class C> void check_product(DType type, DType type_c, Op op_a, Op op_b, double beta, Epilogue epilogue, double bound) {
  const int64_t m = 24, n = 16, k = 40, batch = 2;
  Gemm g;
  g.op_a = op_a, g.op_b = op_b, g.m = m, g.n = n, g.k = k, g.alpha = 0.5, g.beta = beta, g.batch = batch, g.epilogue = epilogue;
  g.type_a = g.type_b = type, g.type_c = type_c;
  const int64_t columns_a = op_a == Op::none ? k : m, columns_b = op_b == Op::none ? n : k;
  g.lda = (op_a == Op::none ? m : k) + 8, g.ldb = (op_b == Op::none ? k : n) + 16, g.ldc = m + 24;
  g.stride_a = g.lda * columns_a, g.stride_b = g.ldb * columns_b, g.stride_c = g.ldc * n;
  const auto a = random_values<T>(static_cast<size_t>(g.stride_a * batch), 1),
             b = random_values<T>(static_cast<size_t>(g.stride_b * batch), 2);
  const auto c = random_values<C>(static_cast<size_t>(g.stride_c * batch), 3), bias = random_values<C>(static_cast<size_t>(m), 4);
  Stream stream;
  DeviceArray<T> da(a.size()), db(b.size());
  DeviceArray<C> dc(c.size()), dbias(bias.size());
  da.upload(a, stream);
  db.upload(b, stream);
  dc.upload(c, stream);
  dbias.upload(bias, stream);
  g.a = da.data(), g.b = db.data(), g.c = dc.data();
  const bool biased = epilogue == Epilogue::bias || epilogue == Epilogue::relu_bias;
  const bool clipped = epilogue == Epilogue::relu || epilogue == Epilogue::relu_bias;
  if (biased) g.bias = dbias.data();
  gemm(g, stream);
  const auto y = dc.download(stream);

  const auto at = [](const auto& v, int64_t i) { return static_cast<double>(v[static_cast<size_t>(i)]); };
  double worst = 0;
  int padding_changed = 0;
  for (int64_t p = 0; p < batch; ++p)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i < g.ldc; ++i) {
        const int64_t here = p * g.stride_c + i + j * g.ldc;
        if (i >= m) {
          padding_changed += at(y, here) != at(c, here);
          continue;
        }
        double sum = 0;
        for (int64_t l = 0; l < k; ++l)
          sum += at(a, p * g.stride_a + (op_a == Op::none ? i + l * g.lda : l + i * g.lda)) *
                 at(b, p * g.stride_b + (op_b == Op::none ? l + j * g.ldb : j + l * g.ldb));
        double v = 0.5 * sum + beta * at(c, here) + (biased ? at(bias, i) : 0.0);
        if (clipped) v = std::max(v, 0.0);
        worst = std::max(worst, std::abs(at(y, here) - v));
      }
  INFO("op " << static_cast<int>(op_a) << static_cast<int>(op_b) << ", beta " << beta << ", epilogue " << static_cast<int>(epilogue));
  CHECK(worst < bound);
  CHECK(padding_changed == 0);
}

}  // namespace

TEST_CASE("gemm: every transposition, with and without beta", "[gpu]") {
  if (!has_device()) return;
  for (const Op a : {Op::none, Op::transpose})
    for (const Op b : {Op::none, Op::transpose})
      for (const double beta : {0.0, 2.0}) {
        check_product<float, float>(DType::f32, DType::f32, a, b, beta, Epilogue::none, 1e-5);
        check_product<double, double>(DType::f64, DType::f64, a, b, beta, Epilogue::none, 1e-13);
        check_product<bf16, bf16>(DType::bf16, DType::bf16, a, b, beta, Epilogue::none, 0.03);
        check_product<bf16, float>(DType::bf16, DType::f32, a, b, beta, Epilogue::none, 1e-5);
      }
}

TEST_CASE("gemm: epilogues add the bias to every column, then clip", "[gpu]") {
  if (!has_device()) return;
  for (const Epilogue e : {Epilogue::bias, Epilogue::relu, Epilogue::relu_bias}) {
    check_product<float, float>(DType::f32, DType::f32, Op::none, Op::none, 0, e, 1e-5);
    check_product<bf16, bf16>(DType::bf16, DType::bf16, Op::transpose, Op::none, 0, e, 0.03);
  }
}

TEST_CASE("gemm: what the library does not offer is refused", "[gpu]") {
  if (!has_device()) return;
  using Catch::Matchers::Contains;
  Stream stream;
  Gemm g;
  CHECK_THROWS_WITH(gemm(g, stream), Contains("gemm: m, n, k and batch must be above 0, got 0, 0, 0 and 1"));
  g.m = g.n = g.k = g.lda = g.ldb = g.ldc = 8;
  g.type_a = DType::i32;
  CHECK_THROWS_WITH(gemm(g, stream), Contains("gemm: types must be f32, f64 or bf16 throughout, or bf16 into f32, got i32, f32 and f32"));
  g.type_a = DType::f32;
  g.epilogue = Epilogue::bias;
  CHECK_THROWS_WITH(gemm(g, stream), Contains("gemm: a bias must come with an epilogue that adds it"));
}
