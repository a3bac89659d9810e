#include "ops/gemm/gemm.h"
#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/ops/conv_oracle.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

Gemm make(const Tensor& a, const Tensor& b, const Tensor& c, bool ta, bool tb) {
  Gemm g;
  g.M = c.size(0);
  g.N = c.size(1);
  g.K = ta ? a.size(0) : a.size(1);
  g.transpose_a = ta;
  g.transpose_b = tb;
  g.dtype = a.dtype();
  g.c_dtype = c.dtype();
  g.a = a.raw();
  g.b = b.raw();
  g.c = c.raw();
  g.lda = a.size(1);
  g.ldb = b.size(1);
  g.ldc = c.size(1);
  return g;
}

oracle::Sums product(const Tensor& a, const Tensor& b, bool ta, bool tb) {
  const int64_t M = ta ? a.size(1) : a.size(0), K = ta ? a.size(0) : a.size(1), N = tb ? b.size(0) : b.size(1);
  oracle::Sums c({M, N});
  const Tensor a64 = a.to(DType::f64), b64 = b.to(DType::f64);
  const double *pa = a64.data<double>(), *pb = b64.data<double>();
  for (int64_t i = 0; i < M; ++i)
    for (int64_t j = 0; j < N; ++j)
      for (int64_t k = 0; k < K; ++k) c.add(i * N + j, pa[ta ? k * M + i : i * K + k] * pb[tb ? j * K + k : k * N + j]);
  return c;
}

}  // namespace

TEST_CASE("gemm: a product worked by hand, with everything that may follow it", "[gemm]") {
  const Tensor a = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6}), b = Tensor::of<float>({3, 2}, {1, 0, 0, 1, 1, 1});
  const Tensor c = Tensor::of<float>({2, 2}, {10, 20, 30, 40});
  const Tensor scale = Tensor::of<float>({2}, {2, -1}), shift = Tensor::of<float>({2}, {0.5, 0}),
               residual = Tensor::of<float>({2, 2}, {1, 2, 3, 100});
  for (const GemmRung& rung : gemm_rungs()) {
    Gemm g = make(a, b, c.clone(), false, false);
    if (!rung.supports(g)) continue;
    INFO(rung.name);
    const Tensor plain = Tensor::empty({2, 2}), full = c.clone();
    g.c = plain.raw();
    rung.run(g);
    CHECK(oracle::same_bits(plain, Tensor::of<float>({2, 2}, {4, 5, 10, 11})));
    g.c = full.raw();
    g.accumulate = true;
    g.scale = scale.raw();
    g.shift = shift.raw();
    g.residual = residual.raw();
    g.ldr = 2;
    g.relu = true;
    rung.run(g);  // ([14 25; 40 51] · [2 −1] + [0.5 0]) + residual
    CHECK(oracle::same_bits(full, Tensor::of<float>({2, 2}, {29.5, 0, 83.5, 49})));
  }
}

TEST_CASE("gemm: every rung, layout and type against the formula", "[gemm]") {
  const int64_t sizes[][3] = {{1, 1, 1}, {7, 19, 300}, {97, 33, 65}, {50, 130, 513}, {5, 8, 3}, {13, 9, 1}};
  for (const auto& [M, N, K] : sizes)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const DType t : {DType::f32, DType::f64, DType::bf16}) {
          const Tensor a = oracle::random(ta ? Shape{K, M} : Shape{M, K}, 1, t), b = oracle::random(tb ? Shape{N, K} : Shape{K, N}, 2, t);
          const oracle::Sums want = product(a, b, ta, tb);
          for (const GemmRung& rung : gemm_rungs()) {
            const Tensor c = Tensor::full({M, N}, NAN, t == DType::bf16 ? DType::f32 : t);
            const Gemm g = make(a, b, c, ta, tb);
            if (!rung.supports(g)) continue;
            rung.run(g);
            INFO(rung.name << " " << M << "x" << N << "x" << K << (ta ? " A^T" : "") << (tb ? " B^T " : " ") << name(t));
            CHECK(oracle::worst(c, want, oracle::eps(c.dtype())) <= 4);
          }
          const Tensor c = Tensor::full({M, N}, NAN, t);
          gemm(make(a, b, c, ta, tb));
          CHECK(oracle::worst(c, want, oracle::eps(t)) <= 4);
        }
}

TEST_CASE("gemm: a sub-matrix of a larger one is written, and nothing beside it", "[gemm]") {
  const Tensor a = oracle::random({20, 40}, 1, DType::f32), b = oracle::random({40, 50}, 2, DType::f32);
  for (const GemmRung& rung : gemm_rungs()) {
    const Tensor c = Tensor::full({20, 50}, 7), all = Tensor::empty({20, 50});
    Gemm g = make(a, b, c, false, false);
    if (!rung.supports(g)) continue;
    INFO(rung.name);
    g.N = 21;
    rung.run(g);
    gemm_rungs()[gemm_rungs().size() - 1].run(make(a, b, all, false, false));
    int wrong = 0;
    for (int64_t i = 0; i < 20; ++i)
      for (int64_t j = 0; j < 50; ++j) {
        const double want = j < 21 ? all.at(i * 50 + j) : 7;
        wrong += !(std::abs(c.at(i * 50 + j) - want) <= (j < 21 ? 1e-4 : 0));
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("gemm: sums over nothing are zero, and empty results are no work", "[gemm]") {
  for (const GemmRung& rung : gemm_rungs()) {
    const Tensor c = Tensor::full({3, 20}, 7);
    Gemm g = make(Tensor::empty({3, 0}), Tensor::empty({0, 20}), c, false, false);
    if (!rung.supports(g)) continue;
    rung.run(g);
    INFO(rung.name);
    CHECK(c.at(0) == 0);
    CHECK(c.at(59) == 0);
  }
  gemm(make(Tensor::empty({0, 4}), Tensor::empty({4, 5}), Tensor::empty({0, 5}), false, false));
  gemm(make(Tensor::empty({2, 4}), Tensor::empty({4, 0}), Tensor::empty({2, 0}), false, false));
}

TEST_CASE("gemm: our own gives the same bits for 1, 2 and 4 threads", "[gemm]") {
  const Tensor a = oracle::random({900, 70}, 1, DType::f32), b = oracle::random({900, 50}, 2, DType::f32);
  const ContextGuard guard;
  Tensor first;
  for (const int threads : {1, 2, 4}) {
    context().threads = threads;
    const Tensor c = Tensor::empty({70, 50});
    gemm_rungs()[0].run(make(a, b, c, true, false));
    if (!first.defined()) first = c;
    CHECK(oracle::same_bits(c, first));
  }
}

TEST_CASE("gemm: a NaN is not hidden by ReLU", "[gemm]") {
  for (const GemmRung& rung : gemm_rungs()) {
    const Tensor a = Tensor::full({8, 2}, NAN), b = Tensor::full({2, 16}, 1), c = Tensor::empty({8, 16});
    Gemm g = make(a, b, c, false, false);
    if (!rung.supports(g)) continue;
    g.relu = true;
    rung.run(g);
    INFO(rung.name);
    CHECK(std::isnan(c.at(0)));
    CHECK(std::isnan(c.at(127)));
  }
}

TEST_CASE("gemm: errors say what was wrong", "[gemm]") {
  const Tensor a = Tensor::empty({2, 3}), b = Tensor::empty({3, 4}), c = Tensor::empty({2, 4});
  Gemm g = make(a, b, c, false, false);
  g.lda = 2;
  CHECK_THROWS_WITH(gemm(g), Contains("gemm: a leading dimension is smaller than its row, got lda 2"));
  g = make(a, b, c, false, false);
  g.c_dtype = DType::f64;
  CHECK_THROWS_WITH(gemm(g), Contains("gemm: C of f32 factors cannot be f64"));
  g = make(a, b, c, false, false);
  g.K = -1;
  CHECK_THROWS_WITH(gemm(g), Contains("gemm: sizes must not be negative"));
  g = make(a, b, c, false, false);
  g.dtype = DType::i32;
  CHECK_THROWS_WITH(gemm(g), Contains("gemm: expected a floating type (f32, bf16, f64), got i32"));
}
