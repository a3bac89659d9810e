#include "ops/elementwise/subtract.h"

#include "ops/elementwise/add.h"
#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("subtract: worked example", "[subtract]") {
  const Var a(Tensor::of<float>({2, 2}, {1, 2, 3, 4})), b(Tensor::of<float>({2, 2}, {10, -2, 3, 0})), row(Tensor::of<float>({2}, {1, -1}));
  const Tensor y = (a - b).value(), z = (a - row).value();
  for (const auto& [i, v] : {std::pair{0, -9}, {1, 4}, {2, 0}, {3, 4}}) CHECK(y.at(i) == v);
  for (const auto& [i, v] : {std::pair{0, 0}, {1, 3}, {2, 2}, {3, 5}}) CHECK(z.at(i) == v);
}

TEST_CASE("subtract: gradient, also of a vector along the last axis", "[subtract]") {
  const Tensor a = random_tensor({2, 3, 5}, "a"), b = random_tensor({2, 3, 5}, "b"), row = random_tensor({5}, "row");
  const auto op = [](const std::vector<Var>& v) { return subtract(v[0], v[1]); };
  CHECK(gradient_off(op, {a, b}) == "");
  CHECK(gradient_off(op, {a, row}) == "");
}

TEST_CASE("subtract: undoes add, and from itself nothing stays", "[subtract]") {
  const Var a(random_tensor({3, 37}, "a", DType::bf16).to(DType::f64)), row(Tensor::full({37}, 0.5, DType::f64));  // few digits: exact sums
  CHECK(same_bits(subtract(a, a).value(), Tensor::zeros({3, 37}, DType::f64)));
  CHECK(same_bits(subtract(add(a, row), row).value(), a.value()));
}

TEST_CASE("subtract: every type rounds the exact difference once", "[subtract]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor a = random_tensor({1001, 71}, "a", t), b = random_tensor({1001, 71}, "b", t), row = random_tensor({71}, "row", t);
    std::vector<Exact> exact, exact_row;
    for (int64_t i = 0; i < a.numel(); ++i) {
      exact.push_back({a.at(i) - b.at(i), std::abs(a.at(i) - b.at(i))});
      exact_row.push_back({a.at(i) - row.at(i % 71), std::abs(a.at(i) - row.at(i % 71))});
    }
    CHECK(off(subtract(Var(a), Var(b)).value(), exact, 0.51) == "");
    CHECK(off(subtract(Var(a), Var(row)).value(), exact_row, 0.51) == "");
  }
}

TEST_CASE("subtract: edges and errors", "[subtract]") {
  const Var empty(Tensor::zeros({0, 3})), one(Tensor::full({1}, 2)), row(Tensor::zeros({3}));
  CHECK(subtract(empty, empty).shape() == Shape{0, 3});
  CHECK(subtract(empty, row).shape() == Shape{0, 3});
  CHECK_THROWS_WITH(subtract(one, empty),
                    Contains("subtract: b must have the shape of a, or be a vector along its last axis, got [1] and"));
  CHECK_THROWS_WITH(subtract(row, empty), Contains("got [3] and [0, 3]"));  // the vector is the second
  CHECK_THROWS_WITH(subtract(one, Var(Tensor::zeros({1}, DType::bf16))), Contains("subtract: a and b must have the same type"));
  CHECK_THROWS_WITH(subtract(one, Var()), Contains("undefined"));
}
