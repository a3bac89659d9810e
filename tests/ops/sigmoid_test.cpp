#include "ops/elementwise/sigmoid.h"

#include <limits>

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("sigmoid: worked example", "[sigmoid]") {
  const Tensor y = sigmoid(Var(Tensor::of<double>({3}, {0, std::log(3.0), -std::log(3.0)}))).value();
  CHECK(y.at(0) == 0.5);
  CHECK(y.at(1) == Approx(0.75).epsilon(1e-15));
  CHECK(y.at(2) == Approx(0.25).epsilon(1e-15));
}

TEST_CASE("sigmoid: gradient", "[sigmoid]") {
  CHECK(gradient_off([](const std::vector<Var>& v) { return sigmoid(v[0]); }, {random_tensor({3, 50}, "x", DType::f64, 0, 3)}) == "");
}

TEST_CASE("sigmoid: of −x is one minus that of x, and it rises", "[sigmoid]") {
  const Tensor x = distinct_tensor({501}, "x");
  Tensor minus = x.clone();
  minus.scale_(-1);
  const Tensor p = sigmoid(Var(x)).value(), q = sigmoid(Var(minus)).value();
  for (int64_t i = 0; i < x.numel(); ++i) CHECK(p.at(i) + q.at(i) == Approx(1).epsilon(1e-15));
  for (int64_t i = 1; i < x.numel(); ++i) CHECK((p.at(i) > p.at(i - 1)) == (x.at(i) > x.at(i - 1)));
}

TEST_CASE("sigmoid: every type against the formula", "[sigmoid]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor x = random_tensor({3001}, "x", t, 0, 8), gy = random_tensor({3001}, "gy", t);
    std::vector<Exact> y, gx;
    for (int64_t i = 0; i < x.numel(); ++i) {
      const real p = 1 / (1 + std::exp(-static_cast<real>(x.at(i))));
      y.push_back({p, p});
      gx.push_back({gy.at(i) * p * (1 - p), std::abs(gy.at(i)) * p * (1 + p)});
    }
    CHECK(off(sigmoid(Var(x)).value(), y) == "");
    CHECK(off(gradient([](const Var& v) { return sigmoid(v); }, x, gy), gx) == "");
  }
}

TEST_CASE("sigmoid: edges and errors", "[sigmoid]") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor y =
      sigmoid(Var(Tensor::of<float>({5}, {-1000, 1000, static_cast<float>(-inf), static_cast<float>(inf), std::nanf("")}))).value();
  CHECK(y.at(0) == 0);
  CHECK(y.at(1) == 1);
  CHECK(y.at(2) == 0);
  CHECK(y.at(3) == 1);
  CHECK(std::isnan(y.at(4)));
  CHECK(sigmoid(Var(Tensor::full({1}, -80))).value().at(0) > 0);  // not rounded away: e^−80
  CHECK(sigmoid(Var(Tensor::zeros({0, 2}))).shape() == Shape{0, 2});
  CHECK_THROWS_WITH(sigmoid(Var(Tensor::zeros({2}, DType::i64))), Contains("sigmoid: expected a floating type (f32, bf16, f64), got i64"));
  CHECK_THROWS_WITH(sigmoid(Var(Tensor::zeros({2}, DType::u8))), Contains("got u8"));
  CHECK_THROWS_WITH(sigmoid(Var()), Contains("undefined"));
}
