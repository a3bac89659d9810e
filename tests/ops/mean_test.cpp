#include "ops/elementwise/mean.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("mean: worked example", "[mean]") {
  const Var x(Tensor::of<float>({2, 2}, {1, 2, 3, 10}), true);
  const Var y = mean(x);
  CHECK(y.shape() == Shape{1});
  CHECK(y.value().at(0) == 4);
  backward(y);
  for (int64_t i = 0; i < 4; ++i) CHECK(x.grad().at(i) == 0.25);
}

TEST_CASE("mean: gradient", "[mean]") {
  CHECK(gradient_off([](const std::vector<Var>& v) { return mean(v[0]); }, {random_tensor({3, 50}, "x")}) == "");
}

TEST_CASE("mean: of equal numbers is that number, and threads change no bit", "[mean]") {
  CHECK(mean(Var(Tensor::full({100'003}, 0.5))).value().at(0) == 0.5);
  const Tensor x = random_tensor({300'001}, "x", DType::f32);
  CHECK(same_for_any_threads([&] { return mean(Var(x)).value(); }));
}

TEST_CASE("mean: every type against the formula", "[mean]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor x = random_tensor({70001}, "x", t, 3);
    Exact sum;
    for (int64_t i = 0; i < x.numel(); ++i) sum += real(x.at(i)) / x.numel();
    const Tensor y = mean(Var(x)).value();
    CHECK(y.dtype() == (t == DType::f64 ? DType::f64 : DType::f32));
    CHECK(off(y, {sum}, 1) == "");
    CHECK(gradient([](const Var& v) { return mean(v); }, x, Tensor::full({1}, 7, y.dtype())).dtype() == t);
  }
}

TEST_CASE("mean: edges and errors", "[mean]") {
  CHECK(mean(Var(Tensor::full({}, 2))).value().at(0) == 2);
  CHECK_THROWS_WITH(mean(Var(Tensor::zeros({0, 3}))), Contains("mean: expected elements, got [0, 3]"));
  CHECK_THROWS_WITH(mean(Var(Tensor::zeros({2}, DType::i64))), Contains("mean: expected a floating type (f32, bf16, f64), got i64"));
  CHECK_THROWS_WITH(mean(Var()), Contains("undefined"));
}
