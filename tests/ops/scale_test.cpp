#include "ops/elementwise/scale.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("scale: worked example", "[scale]") {
  const Tensor y = scale(Var(Tensor::of<float>({3}, {1, -2, 0})), -2.5).value();
  CHECK(y.at(0) == -2.5);
  CHECK(y.at(1) == 5);
  CHECK(y.at(2) == 0);
}

TEST_CASE("scale: gradient", "[scale]") {
  CHECK(gradient_off([](const std::vector<Var>& v) { return scale(v[0], -0.3); }, {random_tensor({3, 50}, "x")}) == "");
}

TEST_CASE("scale: by a half and by 2 gives x back, by 1 changes nothing", "[scale]") {
  const Var x(random_tensor({999}, "x", DType::bf16));
  CHECK(same_bits(scale(scale(x, 0.5), 2).value(), x.value()));
  CHECK(same_bits(scale(x, 1).value(), x.value()));
}

TEST_CASE("scale: every type against the formula", "[scale]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor x = random_tensor({3001}, "x", t);
    std::vector<Exact> exact;
    for (int64_t i = 0; i < x.numel(); ++i) exact.push_back({x.at(i) / real(3), std::abs(x.at(i) / real(3))});
    CHECK(off(scale(Var(x), 1.0 / 3).value(), exact, 1.1) == "");
    CHECK(off(gradient([](const Var& v) { return scale(v, 1.0 / 3); }, Tensor::zeros_like(x), x), exact, 1.1) == "");
  }
}

TEST_CASE("scale: edges and errors", "[scale]") {
  CHECK(scale(Var(Tensor::zeros({0})), 3).shape() == Shape{0});
  CHECK(scale(Var(Tensor::full({1}, 2)), 3).value().at(0) == 6);
  CHECK_THROWS_WITH(scale(Var(Tensor::zeros({2}, DType::i64)), 2), Contains("scale: expected a floating type (f32, bf16, f64), got i64"));
  CHECK_THROWS_WITH(scale(Var(Tensor::zeros({2}, DType::u8)), 2), Contains("got u8"));
  CHECK_THROWS_WITH(scale(Var(), 2), Contains("undefined"));
}
