#include "ops/elementwise/concat.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("concat_rows: worked example", "[concat]") {
  const Var a(Tensor::of<float>({1, 2}, {1, 2})), b(Tensor::of<float>({2, 2}, {3, 4, 5, 6}));
  const Tensor y = concat_rows({a, b, a}).value();
  CHECK(y.shape() == Shape{4, 2});
  const double expected[] = {1, 2, 3, 4, 5, 6, 1, 2};
  for (int i = 0; i < 8; ++i) CHECK(y.at(i) == expected[i]);
}

TEST_CASE("concat_rows: gradient, also of an input given twice", "[concat]") {
  const Tensor a = random_tensor({2, 3, 2}, "a"), b = random_tensor({1, 3, 2}, "b");
  CHECK(gradient_off([](const std::vector<Var>& v) { return concat_rows({v[0], v[1], v[0]}); }, {a, b}) == "");
}

TEST_CASE("concat_rows: undoes slicing, in every type", "[concat]") {
  for (const DType t : {DType::f64, DType::f32, DType::bf16, DType::i64, DType::i32, DType::u8}) {
    INFO(name(t));
    const Tensor x = random_tensor({7, 11, 3}, "x", DType::f64, 100, 20).to(t);
    CHECK(same_bits(concat_rows({Var(x.slice(0, 2)), Var(x.slice(2, 3)), Var(x.slice(3, 3)), Var(x.slice(3, 7))}).value(), x));
  }
  for (const DType t : float_types) {
    const Tensor gy = random_tensor({5, 3}, "gy", t);
    const Var a(Tensor::zeros({2, 3}, t), true), b(Tensor::zeros({3, 3}, t), true);
    backward(concat_rows({a, b}), gy);
    CHECK(same_bits(a.grad(), gy.slice(0, 2)));
    CHECK(same_bits(b.grad(), gy.slice(2, 5)));
  }
}

TEST_CASE("concat_rows: edges and errors", "[concat]") {
  const Var x(Tensor::full({1, 2}, 1)), none(Tensor::zeros({0, 2}));
  CHECK(concat_rows({none, none}).shape() == Shape{0, 2});
  CHECK(concat_rows({none, x}).shape() == Shape{1, 2});
  CHECK_THROWS_WITH(concat_rows({}), Contains("concat_rows: expected at least one tensor, got none"));
  CHECK_THROWS_WITH(concat_rows({Var(Tensor::full({}, 1))}), Contains("concat_rows: expected tensors with a leading axis, got []"));
  CHECK_THROWS_WITH(concat_rows({x, Var(Tensor::zeros({1, 3}))}), Contains("sizes after the first axis must agree, got [1, 2] and [1, 3]"));
  CHECK_THROWS_WITH(concat_rows({x, Var(Tensor::zeros({1, 2, 1}))}), Contains("sizes after the first axis must agree"));
  CHECK_THROWS_WITH(concat_rows({x, Var(Tensor::zeros({1, 2}, DType::f64))}), Contains("types must agree, got f32 and f64"));
}

TEST_CASE("concat_channels: worked example", "[concat]") {
  const Var a(Tensor::of<float>({2, 2}, {1, 2, 3, 4})), b(Tensor::of<float>({2, 1}, {5, 6}));
  const Tensor y = concat_channels({a, b}).value();
  CHECK(y.shape() == Shape{2, 3});
  const double expected[] = {1, 2, 5, 3, 4, 6};
  for (int i = 0; i < 6; ++i) CHECK(y.at(i) == expected[i]);
}

TEST_CASE("concat_channels: gradient, also of an input given twice", "[concat]") {
  const Tensor a = random_tensor({2, 3, 2}, "a"), b = random_tensor({2, 3, 5}, "b");
  CHECK(gradient_off([](const std::vector<Var>& v) { return concat_channels({v[0], v[1], v[0]}); }, {a, b}) == "");
}

TEST_CASE("concat_channels: is concat_rows of the transposed, in every type", "[concat]") {
  const auto columns_as_rows = [](const Tensor& x) {  // [R,C] → [C,R]
    const Tensor y = Tensor::empty({x.size(1), x.size(0)}, DType::f64);
    for (int64_t r = 0; r < x.size(0); ++r)
      for (int64_t c = 0; c < x.size(1); ++c) y.data<double>()[c * x.size(0) + r] = x.at(r * x.size(1) + c);
    return y.to(x.dtype());
  };
  for (const DType t : float_types) {
    INFO(name(t));
    std::vector<Var> parts, turned;
    for (const int64_t columns : {3, 16, 0, 7}) {
      parts.emplace_back(random_tensor({6, columns}, "x", t));
      turned.emplace_back(columns_as_rows(parts.back().value()));
    }
    CHECK(same_bits(columns_as_rows(concat_channels(parts).value()), concat_rows(turned).value()));
  }
}

TEST_CASE("concat_channels: edges and errors", "[concat]") {
  const Var x(Tensor::full({3, 2}, 1)), none(Tensor::zeros({3, 0}));
  CHECK(concat_channels({none, none}).shape() == Shape{3, 0});
  CHECK(concat_channels({none, x}).shape() == Shape{3, 2});
  CHECK(concat_channels({Var(Tensor::zeros({0, 2})), Var(Tensor::zeros({0, 5}))}).shape() == Shape{0, 7});
  CHECK_THROWS_WITH(concat_channels({}), Contains("concat_channels: expected at least one tensor, got none"));
  CHECK_THROWS_WITH(concat_channels({Var(Tensor::full({}, 1))}), Contains("concat_channels: expected tensors with a last axis, got []"));
  CHECK_THROWS_WITH(concat_channels({x, Var(Tensor::zeros({2, 2}))}),
                    Contains("sizes before the last axis must agree, got [3, 2] and [2, 2]"));
  CHECK_THROWS_WITH(concat_channels({x, Var(Tensor::zeros({3, 2}, DType::f64))}), Contains("types must agree, got f32 and f64"));
  CHECK_THROWS_WITH(concat_channels({Var(Tensor::zeros({3, 2}, DType::i32))}), Contains("expected a floating type, got i32"));
}
