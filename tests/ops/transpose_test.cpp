#include "ops/elementwise/transpose.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("transpose_each: worked example", "[transpose]") {
  const Var x(Tensor::of<float>({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  const Tensor y = transpose_each(x).value();
  CHECK(y.shape() == Shape{2, 3, 2});
  const double expected[] = {1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12};
  for (int i = 0; i < 12; ++i) CHECK(y.at(i) == expected[i]);
}

TEST_CASE("transpose_each: gradient", "[transpose]") {
  CHECK(gradient_off([](const std::vector<Var>& v) { return transpose_each(v[0]); }, {random_tensor({3, 4, 5}, "x")}) == "");
}

TEST_CASE("transpose_each: twice is nothing, in every type", "[transpose]") {
  for (const DType t : float_types) {
    const Tensor x = random_tensor({3, 7, 33}, "x", t);
    CHECK(same_bits(transpose_each(transpose_each(Var(x))).value(), x));
  }
  CHECK(transpose_each(Var(Tensor::zeros({0, 4, 5}))).shape() == Shape{0, 5, 4});
}

TEST_CASE("transpose_each: errors", "[transpose]") {
  CHECK_THROWS_WITH(transpose_each(Var(Tensor::zeros({4, 5}))), Contains("transpose_each: x must be [R,A,B], got [4, 5]"));
  CHECK_THROWS_WITH(transpose_each(Var(Tensor::zeros({1, 4, 5}, DType::i32))), Contains("transpose_each: x must be floating, got i32"));
}
