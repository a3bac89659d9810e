#include "ops/elementwise/relu.h"

#include <limits>

#include "ops/elementwise/add.h"
#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("relu: worked example", "[relu]") {
  const Tensor x = Tensor::of<float>({5}, {-2, 0, 3, -0.5f, std::numeric_limits<float>::infinity()});
  const Tensor gx = gradient([](const Var& v) { return relu(v); }, x, Tensor::full({5}, 7));
  const Tensor y = relu(Var(x)).value();
  const double expected_y[] = {0, 0, 3, 0, std::numeric_limits<double>::infinity()}, expected_g[] = {0, 0, 7, 0, 7};
  for (int i = 0; i < 5; ++i) {
    CHECK(y.at(i) == expected_y[i]);
    CHECK(gx.at(i) == expected_g[i]);
  }
}

TEST_CASE("relu: gradient", "[relu]") {
  CHECK(gradient_off([](const std::vector<Var>& v) { return relu(v[0]); }, {distinct_tensor({3, 5, 7}, "x")}) == "");
}

TEST_CASE("relu: twice is once", "[relu]") {
  const Var x(random_tensor({1000}, "x", DType::f32));
  CHECK(same_bits(relu(relu(x)).value(), relu(x).value()));
}

TEST_CASE("relu: a gradient that others hold too is not written over", "[relu]") {
  const Var a(Tensor::of<float>({2}, {-1, 1}), true), b(Tensor::of<float>({2}, {1, -1}), true), c(Tensor::of<float>({2}, {5, 5}), true);
  const Tensor seed = Tensor::of<float>({2}, {3, 4});
  backward(add(add(relu(a), relu(b)), c), seed);
  CHECK(a.grad().at(0) == 0);
  CHECK(a.grad().at(1) == 4);
  CHECK(b.grad().at(0) == 3);
  CHECK(b.grad().at(1) == 0);
  CHECK(c.grad().at(0) == 3);
  CHECK(c.grad().at(1) == 4);
  CHECK(seed.at(0) == 3);
}

TEST_CASE("relu: every type, forward and backward, exactly", "[relu]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor x = random_tensor({70001}, "x", t), gy = random_tensor({70001}, "gy", t);
    const Tensor y = relu(Var(x)).value(), gx = gradient([](const Var&v) { return relu(v); }, x, gy);
    int wrong = 0;
    for (int64_t i = 0; i < x.numel(); ++i) wrong += y.at(i) != std::max(x.at(i), 0.0) || gx.at(i) != (x.at(i) > 0 ? gy.at(i) : 0);
    CHECK(wrong == 0);
  }
}

TEST_CASE("relu: edges and errors", "[relu]") {
  CHECK(relu(Var(Tensor::zeros({0, 4, 4, 3}))).shape() == Shape{0, 4, 4, 3});
  CHECK(std::isnan(relu(Var(Tensor::full({1}, std::nan("")))).value().at(0)));
  CHECK(std::isnan(relu(Var(Tensor::full({17}, std::nan(""), DType::bf16))).value().at(3)));
  CHECK_THROWS_WITH(relu(Var(Tensor::zeros({2}, DType::i32))), Contains("relu: expected a floating type (f32, bf16, f64), got i32"));
  CHECK_THROWS_WITH(relu(Var(Tensor::zeros({2}, DType::u8))), Contains("got u8"));
  CHECK_THROWS_WITH(relu(Var()), Contains("undefined"));
}
