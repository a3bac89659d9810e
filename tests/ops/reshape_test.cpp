#include "ops/elementwise/reshape.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("reshape: the memory is shared, the order kept", "[reshape]") {
  const Tensor x = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor y = reshape(Var(x), {3, 2}).value();
  CHECK(y.shape() == Shape{3, 2});
  CHECK(y.raw() == x.raw());
  CHECK(y.at(4) == 5);
}

TEST_CASE("reshape: gradient", "[reshape]") {
  const Tensor x = random_tensor({2, 3, 4}, "x");
  CHECK(gradient_off([](const std::vector<Var>& v) { return reshape(v[0], {4, 6}); }, {x}) == "");
  CHECK(gradient_off([](const std::vector<Var>& v) { return flatten_rows(v[0]); }, {x}) == "");
}

TEST_CASE("reshape: there and back, in every type", "[reshape]") {
  for (const DType t : {DType::f64, DType::f32, DType::bf16, DType::i64, DType::i32, DType::u8}) {
    const Tensor x = random_tensor({2, 6}, "x", DType::f64, 100, 20).to(t);
    CHECK(same_bits(reshape(reshape(Var(x), {3, 4}), {2, 6}).value(), x));
  }
}

TEST_CASE("reshape: edges and errors", "[reshape]") {
  CHECK(flatten_rows(Var(Tensor::zeros({2, 3, 4, 5}))).shape() == Shape{2, 60});
  CHECK(flatten_rows(Var(Tensor::zeros({0, 7, 7, 3}))).shape() == Shape{0, 147});
  CHECK(flatten_rows(Var(Tensor::zeros({5}))).shape() == Shape{5, 1});
  CHECK(reshape(Var(Tensor::zeros({1})), {}).shape() == Shape{});
  CHECK_THROWS_WITH(reshape(Var(Tensor::zeros({2, 3})), {4}), Contains("reshape: [2, 3] has 6 elements, [4] has 4"));
  CHECK_THROWS_WITH(reshape(Var(Tensor::zeros({0, 3})), {1}), Contains("has 0 elements"));
  CHECK_THROWS_WITH(flatten_rows(Var(Tensor::zeros({}))), Contains("flatten_rows: expected a tensor with a leading axis, got []"));
  CHECK_THROWS_WITH(reshape(Var(), {1}), Contains("undefined"));
}
