#include "ops/elementwise/gather.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

Tensor random_index(int64_t count, uint64_t rows) {
  const Tensor index = Tensor::empty({count}, DType::i64);
  Rng rng(3, "index");
  for (int64_t& i : index.values<int64_t>()) i = static_cast<int64_t>(rng.below(rows));
  return index;
}

}  // namespace

TEST_CASE("gather_rows: worked example", "[gather]") {
  const Tensor x = Tensor::of<float>({3, 2}, {1, 2, 3, 4, 5, 6}), index = Tensor::of<int64_t>({4}, {2, 0, 2, 2});
  const Tensor y = gather_rows(Var(x), index).value();
  CHECK(y.shape() == Shape{4, 2});
  const double expected_y[] = {5, 6, 1, 2, 5, 6, 5, 6};
  for (int i = 0; i < 8; ++i) CHECK(y.at(i) == expected_y[i]);
  const Tensor gx = gradient([&](const Var& v) { return gather_rows(v, index); }, x, Tensor::of<float>({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  const double expected_g[] = {3, 4, 0, 0, 13, 16};
  for (int i = 0; i < 6; ++i) CHECK(gx.at(i) == expected_g[i]);
}

TEST_CASE("gather_rows: −1 is a row of zeros that takes no gradient", "[gather]") {
  const Tensor x = Tensor::of<float>({2, 2}, {1, 2, 3, 4}), index = Tensor::of<int32_t>({4}, {-1, 1, -1, 1});
  const Tensor y = gather_rows(Var(x), index).value();
  const double expected_y[] = {0, 0, 3, 4, 0, 0, 3, 4};
  for (int i = 0; i < 8; ++i) CHECK(y.at(i) == expected_y[i]);
  const Tensor gx = gradient([&](const Var& v) { return gather_rows(v, index); }, x, Tensor::of<float>({4, 2}, {9, 9, 1, 2, 9, 9, 3, 4}));
  const double expected_g[] = {0, 0, 4, 6};
  for (int i = 0; i < 4; ++i) CHECK(gx.at(i) == expected_g[i]);
}

TEST_CASE("gather_rows: gradient", "[gather]") {
  const Tensor index = random_index(12, 5);
  CHECK(gradient_off([&](const std::vector<Var>& v) { return gather_rows(v[0], index); }, {random_tensor({5, 3, 7}, "x")}) == "");
}

TEST_CASE("gather_rows: all in order is x, i32 and i64 agree, any number of threads", "[gather]") {
  const Tensor x = random_tensor({9, 5}, "x", DType::f32);
  CHECK(same_bits(gather_rows(Var(x), Tensor::of<int32_t>({9}, {0, 1, 2, 3, 4, 5, 6, 7, 8})).value(), x));
  const Tensor index = random_index(5000, 40), big = random_tensor({40, 37}, "big", DType::f32),
               gy = random_tensor({5000, 37}, "gy", DType::f32);
  CHECK(same_bits(gather_rows(Var(big), index).value(), gather_rows(Var(big), index.to(DType::i32)).value()));
  CHECK(same_for_any_threads([&] { return gradient([&](const Var& v) { return gather_rows(v, index); }, big, gy); }));
}

TEST_CASE("gather_rows: every type against the formula", "[gather]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor x = random_tensor({40, 37}, "x", t), gy = random_tensor({200, 37}, "gy", t), index = random_index(200, 40);
    std::vector<Exact> y, gx(40 * 37);
    for (int64_t i = 0; i < 200; ++i) {
      for (int64_t c = 0; c < 37; ++c) {
        y.push_back({x.at(index.data<int64_t>()[i] * 37 + c), 0});
        gx[static_cast<size_t>(index.data<int64_t>()[i] * 37 + c)] += gy.at(i * 37 + c);
      }
    }
    CHECK(off(gather_rows(Var(x), index).value(), y) == "");
    CHECK(off(gradient([&](const Var& v) { return gather_rows(v, index); }, x, gy), gx, t == DType::bf16 ? 0.6 : 4) == "");
  }
}

TEST_CASE("gather_rows: edges and errors", "[gather]") {
  const Var x(Tensor::full({3, 2}, 1), true);
  const Tensor nothing = Tensor::zeros({0}, DType::i64);
  CHECK(gather_rows(x, nothing).shape() == Shape{0, 2});
  backward(gather_rows(x, nothing), Tensor::zeros({0, 2}));
  CHECK(x.grad().at(5) == 0);
  CHECK(gather_rows(Var(Tensor::zeros({0, 2})), nothing).shape() == Shape{0, 2});
  CHECK(gather_rows(Var(Tensor::zeros({1, 0})), Tensor::of<int64_t>({2}, {0, 0})).shape() == Shape{2, 0});
  CHECK(gather_rows(Var(Tensor::full({1}, 4)), Tensor::of<int32_t>({1}, {0})).value().at(0) == 4);
  CHECK_THROWS_WITH(gather_rows(x, Tensor::of<int64_t>({2}, {0, 3})), Contains("gather_rows: index 1 must be in [0, 3) or -1, got 3"));
  CHECK_THROWS_WITH(gather_rows(x, Tensor::of<int64_t>({1}, {-2})), Contains("got -2"));
  CHECK_THROWS_WITH(gather_rows(x, Tensor::zeros({1}, DType::f32)), Contains("gather_rows: index must be i32 or i64, got f32"));
  CHECK_THROWS_WITH(gather_rows(x, Tensor::zeros({1, 1}, DType::i64)), Contains("index must be a vector, got [1, 1]"));
  CHECK_THROWS_WITH(gather_rows(Var(Tensor::zeros({})), nothing), Contains("x must have a leading axis"));
  CHECK_THROWS_WITH(gather_rows(Var(Tensor::zeros({1}, DType::u8)), nothing), Contains("x must be floating, got u8"));
}
