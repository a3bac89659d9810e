#include "ops/gemm/linear.h"

#include "autograd/gradcheck.h"
#include "tests/catch.h"
#include "tests/ops/conv_oracle.h"

using namespace mr;
using Catch::Matchers::Contains;

TEST_CASE("linear: worked by hand, value and gradients", "[linear]") {
  const Var x(Tensor::of<float>({2, 2}, {1, 2, 3, 4}), true), w(Tensor::of<float>({3, 2}, {1, 0, 0, 1, -1, -1}), true),
      b(Tensor::of<float>({3}, {0, 10, 1}), true);
  const Var y = linear(x, w, b, true);
  CHECK(oracle::same_bits(y.value(), Tensor::of<float>({2, 3}, {1, 12, 0, 3, 14, 0})));
  backward(y, Tensor::of<float>({2, 3}, {1, 1, 1, 1, 2, 1}));
  CHECK(oracle::same_bits(x.grad(), Tensor::of<float>({2, 2}, {1, 1, 1, 2})));
  CHECK(oracle::same_bits(w.grad(), Tensor::of<float>({3, 2}, {4, 6, 7, 10, 0, 0})));
  CHECK(oracle::same_bits(b.grad(), Tensor::of<float>({3}, {2, 3, 0})));
}

TEST_CASE("linear: gradcheck", "[linear]") {
  const std::vector<Tensor> in = {oracle::random({5, 7}, 1), oracle::random({4, 7}, 2), oracle::random({4}, 3)};
  for (const bool relu : {false, true}) {
    const GradcheckResult r = gradcheck([relu](const std::vector<Var>& v) { return linear(v[0], v[1], v[2], relu); }, in);
    INFO(r.message);
    CHECK(r.ok);
  }
  CHECK(gradcheck([](const std::vector<Var>& v) { return linear(v[0], v[1]); }, {in[0], in[1]}).ok);
}

TEST_CASE("linear: f32 and bf16 against f64", "[linear]") {
  const Tensor x = oracle::random({65, 130}, 1), w = oracle::random({37, 130}, 2), b = oracle::random({37}, 3),
               gy = oracle::random({65, 37}, 4);
  const auto run = [&](DType t, DType wt) {
    const Var xv(x.to(t), true), wv(w.to(wt), true), bv(b.to(wt), true);
    const Var y = linear(xv, wv, bv);
    backward(y, gy.to(t));
    return std::vector<Tensor>{y.value(), xv.grad(), wv.grad(), bv.grad()};
  };
  const auto want = run(DType::f64, DType::f64), f = run(DType::f32, DType::f32), h = run(DType::bf16, DType::f32);
  for (size_t i = 0; i < want.size(); ++i) {
    CHECK(oracle::off_norm(f[i], want[i]) < 1e-6);
    CHECK(oracle::off_norm(h[i], want[i]) < 8e-3);
  }
  CHECK(h[0].dtype() == DType::bf16);
  CHECK(h[2].dtype() == DType::f32);
}

TEST_CASE("linear: packed weights follow the weights", "[linear]") {
  const Var x(oracle::random({3, 20}, 1, DType::f32)), w(oracle::random({5, 20}, 2, DType::f32));
  const Tensor before = linear(x, w).value().clone();
  w.value().scale_(2);
  w.touch();
  Tensor twice = before.clone();
  twice.scale_(2);
  CHECK(oracle::off_norm(linear(x, w).value(), twice) < 1e-6);
}

TEST_CASE("linear: sizes 0 and 1", "[linear]") {
  const Var none(Tensor::empty({0, 6}), true), w(oracle::random({4, 6}, 2, DType::f32), true), b(oracle::random({4}, 2, DType::f32), true);
  const Var y = linear(none, w, b, true);
  CHECK(y.shape() == Shape({0, 4}));
  backward(y, Tensor::empty({0, 4}));
  CHECK(oracle::same_bits(w.grad(), Tensor::zeros({4, 6})));
  CHECK(oracle::same_bits(b.grad(), Tensor::zeros({4})));
  CHECK(linear(Var(Tensor::of<float>({1, 1}, {3})), Var(Tensor::of<float>({1, 1}, {-2}))).value().at(0) == -6);
}

TEST_CASE("linear: errors say what was wrong", "[linear]") {
  const Var x(Tensor::empty({2, 3})), w(Tensor::empty({4, 3})), b(Tensor::empty({4}));
  CHECK_THROWS_WITH(linear(Var(Tensor::empty({2, 3, 1})), w, b), Contains("linear: x must be [M,K], got [2, 3, 1]"));
  CHECK_THROWS_WITH(linear(x, Var(Tensor::empty({4, 5})), b), Contains("linear: w must be [N,3] to go with x [2, 3], got [4, 5]"));
  CHECK_THROWS_WITH(linear(x, w, Var(Tensor::empty({3}))), Contains("linear: b must be [4], got [3]"));
  CHECK_THROWS_WITH(linear(Var(Tensor::empty({2, 3}, DType::u8)), w, b), Contains("linear: expected floating types, got u8"));
}
