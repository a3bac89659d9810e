#include "ops/elementwise/add.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("add: worked example", "[add]") {
  const Var y = Var(Tensor::of<float>({2}, {1, 2})) + Var(Tensor::of<float>({2}, {10, -2}));
  CHECK(y.value().at(0) == 11);
  CHECK(y.value().at(1) == 0);
}

TEST_CASE("add: gradient", "[add]") {
  const Tensor a = random_tensor({2, 3, 5}, "a"), b = random_tensor({2, 3, 5}, "b");
  CHECK(gradient_off([](const std::vector<Var>& v) { return add(v[0], v[1]); }, {a, b}) == "");
  CHECK(gradient_off([](const std::vector<Var>& v) { return add(v[0], add(v[1], v[0])); }, {a, b}) == "");
}

TEST_CASE("add: the order does not matter, and 0 changes nothing", "[add]") {
  const Tensor a = random_tensor({3, 37}, "a", DType::bf16), b = random_tensor({3, 37}, "b", DType::bf16);
  CHECK(same_bits(add(Var(a), Var(b)).value(), add(Var(b), Var(a)).value()));
  CHECK(same_bits(add(Var(a), Var(Tensor::zeros_like(a))).value(), a));
}

TEST_CASE("add: every type rounds the exact sum once", "[add]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor a = random_tensor({70001}, "a", t), b = random_tensor({70001}, "b", t);  // more than one piece of work, and a tail
    std::vector<Exact> exact;
    for (int64_t i = 0; i < a.numel(); ++i) exact.push_back({a.at(i) + b.at(i), std::abs(a.at(i) + b.at(i))});
    CHECK(off(add(Var(a), Var(b)).value(), exact, 0.51) == "");
  }
}

TEST_CASE("add: edges and errors", "[add]") {
  const Var empty(Tensor::zeros({0, 3})), one(Tensor::full({1}, 2)), i(Tensor::zeros({1}, DType::i32));
  CHECK(add(empty, empty).shape() == Shape{0, 3});
  CHECK(add(one, one).value().at(0) == 4);
  CHECK_THROWS_WITH(add(one, empty), Contains("add: b must have the shape of a, or be a vector along its last axis, got [1] and [0, 3]"));
  CHECK_THROWS_WITH(add(one, Var(Tensor::zeros({1}, DType::bf16))), Contains("add: a and b must have the same type, got f32 and bf16"));
  CHECK_THROWS_WITH(add(i, i), Contains("add: expected a floating type"));
  CHECK_THROWS_WITH(add(one, Var()), Contains("undefined"));
}

TEST_CASE("add: a vector along the last axis meets every row, and gets the sum over them", "[add]") {
  const Tensor y = add(Var(Tensor::of<float>({2, 2}, {1, 2, 3, 4})), Var(Tensor::of<float>({2}, {10, -1}))).value();
  for (const auto& [i, v] : {std::pair{0, 11}, {1, 1}, {2, 13}, {3, 3}}) CHECK(y.at(i) == v);
  const auto op = [](const std::vector<Var>& v) { return add(v[0], v[1]); };
  CHECK(gradient_off(op, {random_tensor({2, 3, 5}, "a"), random_tensor({5}, "row")}) == "");
  const Tensor a = random_tensor({4097, 19}, "a", DType::bf16), gy = random_tensor({4097, 19}, "gy", DType::bf16);
  const auto gradient_of_row = [&] {
    return gradient([&](const Var& row) { return add(Var(a), row); }, Tensor::zeros({19}, DType::bf16), gy);
  };
  std::vector<Exact> exact(19);
  for (int64_t i = 0; i < gy.numel(); ++i) exact[static_cast<size_t>(i % 19)] += gy.at(i);
  CHECK(off(gradient_of_row(), exact, 1) == "");
  CHECK(same_for_any_threads(gradient_of_row));
}
