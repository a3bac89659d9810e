#include "ops/pool/avg_pool.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("global_average_pool: worked example", "[avg_pool]") {
  const Tensor x = Tensor::of<float>({1, 2, 2, 2}, {1, 10, 2, 20, 3, 30, 6, 0});
  const Tensor y = global_average_pool(Var(x)).value();
  CHECK(y.shape() == Shape{1, 2});
  CHECK(y.at(0) == 3);
  CHECK(y.at(1) == 15);
  const Tensor gx = gradient([](const Var& v) { return global_average_pool(v); }, x, Tensor::of<float>({1, 2}, {4, 8}));
  for (int i = 0; i < 8; ++i) CHECK(gx.at(i) == (i % 2 ? 2 : 1));
}

TEST_CASE("global_average_pool: gradient", "[avg_pool]") {
  CHECK(gradient_off([](const std::vector<Var>& v) { return global_average_pool(v[0]); }, {random_tensor({2, 3, 4, 5}, "x")}) == "");
}

TEST_CASE("global_average_pool: a constant map gives the constant, a shift shifts", "[avg_pool]") {
  const Tensor y = global_average_pool(Var(Tensor::full({2, 7, 7, 130}, 0.25))).value();
  for (int64_t i = 0; i < y.numel(); ++i) CHECK(y.at(i) == 0.25);
}

TEST_CASE("global_average_pool: every type against the formula", "[avg_pool]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const int64_t N = 2, H = 50, W = 33, C = 149;
    const Tensor x = random_tensor({N, H, W, C}, "x", t, 1), gy = random_tensor({N, C}, "gy", t);
    std::vector<Exact> y(static_cast<size_t>(N * C)), gx;
    for (int64_t n = 0; n < N; ++n)
      for (int64_t p = 0; p < H * W; ++p)
        for (int64_t c = 0; c < C; ++c) {
          y[static_cast<size_t>(n * C + c)] += x.at((n * H * W + p) * C + c) / static_cast<real>(H * W);
          gx.push_back({});
          gx.back() += gy.at(n * C + c) / static_cast<real>(H * W);
        }
    CHECK(off(global_average_pool(Var(x)).value(), y, t == DType::bf16 ? 0.6 : 4) == "");
    CHECK(off(gradient([](const Var& v) { return global_average_pool(v); }, x, gy), gx, 0.6) == "");
    CHECK(same_for_any_threads([&] { return global_average_pool(Var(x)).value(); }));
  }
}

TEST_CASE("global_average_pool: edges and errors", "[avg_pool]") {
  CHECK(global_average_pool(Var(Tensor::zeros({0, 7, 7, 3}))).shape() == Shape{0, 3});
  CHECK(global_average_pool(Var(Tensor::zeros({2, 7, 7, 0}))).shape() == Shape{2, 0});
  CHECK(global_average_pool(Var(Tensor::full({1, 1, 1, 1}, 5))).value().at(0) == 5);
  CHECK_THROWS_WITH(global_average_pool(Var(Tensor::zeros({7, 7, 3}))),
                    Contains("global_average_pool: x must be [N,H,W,C], got [7, 7, 3]"));
  CHECK_THROWS_WITH(global_average_pool(Var(Tensor::zeros({1, 0, 7, 3}))), Contains("the map must have pixels, got [1, 0, 7, 3]"));
  CHECK_THROWS_WITH(global_average_pool(Var(Tensor::zeros({1, 2, 2, 3}, DType::i32))), Contains("expected a floating type"));
}
