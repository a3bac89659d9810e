#include "ops/loss/weighted_sum.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("weighted_sum: worked example, value and gradient", "[weighted_sum]") {
  const Var a(Tensor::full({}, 3), true), b(Tensor::full({1}, -2), true), c(Tensor::full({1, 1}, 8), true);
  const Var y = weighted_sum({a, b, c}, Tensor::of<float>({3}, {1, 0.5f, 0}));
  CHECK(y.shape() == Shape{});
  CHECK(y.value().at(0) == 2);
  backward(y);
  CHECK(a.grad().at(0) == 1);
  CHECK(b.grad().at(0) == 0.5);
  CHECK(c.grad().at(0) == 0);
  CHECK(c.grad().shape() == c.shape());
  CHECK(weighted_sum({a, b, c}).value().at(0) == 9);  // without weights: 1 each
}

TEST_CASE("weighted_sum: gradient", "[weighted_sum]") {
  const Tensor w = Tensor::of<float>({3}, {1, 0.25f, 3});
  const std::vector<Tensor> x = {random_tensor({1}, "a"), random_tensor({}, "b"), random_tensor({1}, "c")};
  CHECK(gradient_off([&](const std::vector<Var>& v) { return weighted_sum({v[0], v[1], v[2]}, w); }, x) == "");
  CHECK(gradient_off(
            [&](const std::vector<Var>& v) {
              return weighted_sum({v[0], v[1], v[0]}, w);
            },
            {x[0], x[1]}) == "");  // one term twice
  CHECK(gradient_off([&](const std::vector<Var>& v) { return weighted_sum({v[0], v[1]}); }, {x[0], x[1]}) == "");
}

TEST_CASE("weighted_sum: every type rounds the exact sum once", "[weighted_sum]") {
  const Tensor w = random_tensor({7}, "w", DType::f32);
  for (const DType t : float_types) {
    INFO(name(t));
    std::vector<Var> terms;
    Exact exact;
    for (int64_t i = 0; i < 7; ++i) {
      terms.emplace_back(random_tensor({1}, str("term", i), t));
      exact += static_cast<real>(w.at(i)) * static_cast<real>(terms.back().value().at(0));
    }
    CHECK(off(weighted_sum(terms, w).value(), {exact}, t == DType::f64 ? 4 : 1.01) == "");
  }
}

TEST_CASE("weighted_sum: edges and errors", "[weighted_sum]") {
  const Var one(Tensor::full({1}, 1)), two(Tensor::zeros({2})), wide(Tensor::zeros({1}, DType::f64)), whole(Tensor::zeros({1}, DType::i32));
  CHECK(weighted_sum({one}).value().at(0) == 1);
  CHECK(weighted_sum(std::vector<Var>(16, one)).value().at(0) == 16);
  CHECK_THROWS_WITH(weighted_sum({}), Contains("weighted_sum: expected 1 to 16 terms, got 0"));
  CHECK_THROWS_WITH(weighted_sum(std::vector<Var>(17, one)), Contains("weighted_sum: expected 1 to 16 terms, got 17"));
  CHECK_THROWS_WITH(weighted_sum({one, two}), Contains("weighted_sum: a term must be one floating number, got [2] f32"));
  CHECK_THROWS_WITH(weighted_sum({whole}), Contains("weighted_sum: a term must be one floating number, got [1] i32"));
  CHECK_THROWS_WITH(weighted_sum({one, wide}),
                    Contains("weighted_sum: terms must be of one type and device, got f32 on cpu and f64 on cpu"));
  CHECK_THROWS_WITH(weighted_sum({one}, Tensor::zeros({2})), Contains("weighted_sum: weights must be [1] f32 on cpu, got [2] f32 on cpu"));
}
