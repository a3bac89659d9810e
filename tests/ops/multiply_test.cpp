#include "ops/elementwise/multiply.h"

#include "ops/elementwise/scale.h"
#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("multiply: worked example", "[multiply]") {
  const Var x(Tensor::of<float>({1}, {3}), true);
  const Var y = x * x;
  CHECK(y.value().at(0) == 9);
  backward(y);
  CHECK(x.grad().at(0) == 6);
  const Tensor z = multiply(Var(Tensor::of<float>({2, 2}, {1, 2, 3, 4})), Var(Tensor::of<float>({2}, {10, -1}))).value();
  for (const auto& [i, v] : {std::pair{0, 10}, {1, -2}, {2, 30}, {3, -4}}) CHECK(z.at(i) == v);
}

TEST_CASE("multiply: gradient, also of a vector along the last axis", "[multiply]") {
  const Tensor a = random_tensor({2, 3, 5}, "a"), b = random_tensor({2, 3, 5}, "b"), row = random_tensor({5}, "row");
  const auto op = [](const std::vector<Var>& v) { return multiply(v[0], v[1]); };
  CHECK(gradient_off(op, {a, b}) == "");
  CHECK(gradient_off(op, {a, row}) == "");
  CHECK(gradient_off([](const std::vector<Var>& v) { return multiply(v[0], v[0]); }, {a}) == "");
}

TEST_CASE("multiply: by a number everywhere is scale, and the order does not matter", "[multiply]") {
  const Var a(random_tensor({3, 37}, "a", DType::bf16)), b(random_tensor({3, 37}, "b", DType::bf16));
  CHECK(same_bits(multiply(a, b).value(), multiply(b, a).value()));
  CHECK(same_bits(multiply(a, Var(Tensor::full({37}, -2.5, DType::bf16))).value(), scale(a, -2.5).value()));
}

TEST_CASE("multiply: every type against the formula", "[multiply]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor a = random_tensor({1001, 71}, "a", t), b = random_tensor({1001, 71}, "b", t), row = random_tensor({71}, "row", t);
    std::vector<Exact> exact, exact_row;
    for (int64_t i = 0; i < a.numel(); ++i) {
      exact.push_back({real(a.at(i)) * b.at(i), std::abs(real(a.at(i)) * b.at(i))});
      exact_row.push_back({real(a.at(i)) * row.at(i % 71), std::abs(real(a.at(i)) * row.at(i % 71))});
    }
    CHECK(off(multiply(Var(a), Var(b)).value(), exact, 0.51) == "");
    CHECK(off(multiply(Var(a), Var(row)).value(), exact_row, 0.51) == "");
  }
}

TEST_CASE("multiply: the gradient of a vector is summed without rounding its terms", "[multiply]") {
  const Tensor a = random_tensor({4097, 19}, "a", DType::bf16), gy = random_tensor({4097, 19}, "gy", DType::bf16);
  std::vector<Exact> exact(19);
  for (int64_t i = 0; i < a.numel(); ++i) exact[static_cast<size_t>(i % 19)] += real(a.at(i)) * gy.at(i);
  const auto gradient_of_row = [&] {
    return gradient([&](const Var& row) { return multiply(Var(a), row); }, Tensor::full({19}, 1, DType::bf16), gy);
  };
  CHECK(off(gradient_of_row(), exact, 1) == "");
  CHECK(same_for_any_threads(gradient_of_row));
}

TEST_CASE("multiply: edges and errors", "[multiply]") {
  const Var empty(Tensor::zeros({0, 3})), one(Tensor::full({1}, 2)), row(Tensor::zeros({3}), true);
  CHECK(multiply(empty, row).shape() == Shape{0, 3});
  backward(multiply(empty, row), Tensor::zeros({0, 3}));
  CHECK(same_bits(row.grad(), Tensor::zeros({3})));
  CHECK_THROWS_WITH(multiply(one, empty),
                    Contains("multiply: b must have the shape of a, or be a vector along its last axis, got [1] and"));
  CHECK_THROWS_WITH(multiply(one, Var(Tensor::zeros({1}, DType::bf16))), Contains("multiply: a and b must have the same type"));
  CHECK_THROWS_WITH(multiply(one, Var()), Contains("undefined"));
}
