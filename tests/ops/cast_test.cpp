#include "ops/elementwise/cast.h"

#include <limits>

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("cast: bf16 rounds to nearest, ties to even", "[cast]") {
  // bf16 has 8 significant bits: between 1 and 2 its step is 1/128.
  const Tensor y = cast(Var(Tensor::of<float>({4}, {1 + 1 / 256.f, 1 + 3 / 256.f, 1 + 1.1f / 256, -1 - 0.9f / 256})), DType::bf16).value();
  CHECK(y.at(0) == 1);
  CHECK(y.at(1) == 1 + 2 / 128.);
  CHECK(y.at(2) == 1 + 1 / 128.);
  CHECK(y.at(3) == -1);
}

TEST_CASE("cast: gradient", "[cast]") {
  CHECK(gradient_off([](const std::vector<Var>& v) { return cast(v[0], DType::f64); }, {random_tensor({30}, "x")}) == "");
  const Tensor gy = random_tensor({100}, "gy", DType::f32);
  const Tensor gx = gradient([](const Var& v) { return cast(v, DType::f32); }, Tensor::zeros({100}, DType::bf16), gy);
  CHECK(same_bits(gx, gy.to(DType::bf16)));
}

TEST_CASE("cast: widening loses nothing", "[cast]") {
  const Var x(random_tensor({1001}, "x", DType::bf16));
  CHECK(same_bits(cast(cast(x, DType::f32), DType::bf16).value(), x.value()));
  CHECK(same_bits(cast(cast(x, DType::f64), DType::bf16).value(), x.value()));
  CHECK(cast(x, DType::bf16).value().raw() == x.value().raw());
}

TEST_CASE("cast: every pair of types against one rounding of the value", "[cast]") {
  for (const DType from : float_types) {
    for (const DType to : float_types) {
      INFO(name(from) << " to " << name(to));
      const Tensor x = random_tensor({70001}, "x", from);
      const Tensor y = cast(Var(x), to).value();
      CHECK(y.dtype() == to);
      std::vector<Exact> exact;
      for (int64_t i = 0; i < x.numel(); ++i) exact.push_back({x.at(i), std::abs(x.at(i))});
      CHECK(off(y, exact, 0.501) == "");
    }
  }
}

TEST_CASE("cast: edges and errors", "[cast]") {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor y = cast(Var(Tensor::of<float>({4}, {inf, -inf, std::nanf(""), 3.4e38f})), DType::bf16).value();
  CHECK(y.at(0) == inf);
  CHECK(y.at(1) == -inf);
  CHECK(std::isnan(y.at(2)));
  CHECK(y.at(3) == inf);  // beyond bf16's largest, 3.3895e38
  CHECK(cast(Var(Tensor::zeros({0, 2})), DType::bf16).shape() == Shape{0, 2});
  CHECK_THROWS_WITH(cast(Var(Tensor::zeros({2}, DType::i64)), DType::f32),
                    Contains("cast: expected floating types (f32, bf16, f64), got i64 to f32"));
  CHECK_THROWS_WITH(cast(Var(Tensor::zeros({2})), DType::u8), Contains("got f32 to u8"));
  CHECK_THROWS_WITH(cast(Var(), DType::f32), Contains("undefined"));
}
