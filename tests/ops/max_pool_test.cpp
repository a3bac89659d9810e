#include "ops/pool/max_pool.h"

#include <limits>

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

const MaxPoolOptions all_options[] = {{3, 2, 1}, {1, 2, 0}, {2, 2, 0}, {3, 1, 1}, {2, 3, 1}, {5, 2, 2}, {3, 3, 0}};

Shape pooled_shape(const Shape& x, const MaxPoolOptions& o) {
  return {x[0], (x[1] + 2 * o.padding - o.size) / o.stride + 1, (x[2] + 2 * o.padding - o.size) / o.stride + 1, x[3]};
}

// The element of x that each output is: the first of the largest in its window.
std::vector<int64_t> maxima(const Tensor& x, const MaxPoolOptions& o) {
  const Shape y = pooled_shape(x.shape(), o);
  const int64_t H = x.size(1), W = x.size(2), C = x.size(3);
  std::vector<int64_t> at;
  for (int64_t n = 0; n < y[0]; ++n)
    for (int64_t i = 0; i < y[1]; ++i)
      for (int64_t j = 0; j < y[2]; ++j)
        for (int64_t c = 0; c < C; ++c) {
          int64_t best = -1;
          for (int64_t h = i * o.stride - o.padding; h < i * o.stride - o.padding + o.size; ++h)
            for (int64_t w = j * o.stride - o.padding; w < j * o.stride - o.padding + o.size; ++w) {
              if (h < 0 || h >= H || w < 0 || w >= W) continue;
              const int64_t e = ((n * H + h) * W + w) * C + c;
              if (best < 0 || x.at(e) > x.at(best)) best = e;
            }
          at.push_back(best);
        }
  return at;
}

}  // namespace

TEST_CASE("max_pool2d: worked example, 3x3 stride 2 with padding 1", "[max_pool]") {
  // 1 5 2 0        windows around rows and columns 0 and 2
  // 4 5 3 7   ->   5 7
  // 6 0 8 1        9 9
  // 2 9 1 8
  const Tensor x = Tensor::of<float>({1, 4, 4, 1}, {1, 5, 2, 0, 4, 5, 3, 7, 6, 0, 8, 1, 2, 9, 1, 8});
  const Tensor y = max_pool2d(Var(x)).value();
  const double expected_y[] = {5, 7, 9, 9};
  for (int i = 0; i < 4; ++i) CHECK(y.at(i) == expected_y[i]);
  const Tensor gx = gradient([](const Var& v) { return max_pool2d(v); }, x, Tensor::of<float>({1, 2, 2, 1}, {1, 10, 100, 1000}));
  const double expected_g[] = {0, 1, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 1100, 0, 0};  // of the two 5s the first
  for (int i = 0; i < 16; ++i) CHECK(gx.at(i) == expected_g[i]);
}

TEST_CASE("max_pool2d: gradient", "[max_pool]") {
  for (const MaxPoolOptions& o : all_options)
    CHECK(gradient_off([&](const std::vector<Var>& v) { return max_pool2d(v[0], o); }, {distinct_tensor({2, 6, 7, 3}, "x")}) == "");
}

TEST_CASE("max_pool2d: 1x1 with stride 2 takes every second pixel", "[max_pool]") {
  const Tensor x = random_tensor({1, 5, 4, 3}, "x", DType::f32), y = max_pool2d(Var(x), {1, 2, 0}).value();
  CHECK(y.shape() == Shape{1, 3, 2, 3});
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 2; ++j)
      for (int64_t c = 0; c < 3; ++c) CHECK(y.at((i * 2 + j) * 3 + c) == x.at((2 * i * 4 + 2 * j) * 3 + c));
}

TEST_CASE("max_pool2d: a constant map stays, and monotone changes commute", "[max_pool]") {
  const Tensor flat = max_pool2d(Var(Tensor::full({1, 9, 9, 4}, -3))).value();
  for (const float v : flat.values<float>()) CHECK(v == -3);
  const Tensor x = random_tensor({1, 9, 9, 4}, "x", DType::f32);
  const Tensor doubled = x.clone(), y = max_pool2d(Var(x)).value();
  doubled.scale_(2);
  y.scale_(2);
  CHECK(same_bits(max_pool2d(Var(doubled)).value(), y));
}

TEST_CASE("max_pool2d: every type against the definition, with ties", "[max_pool]") {
  for (const DType t : float_types) {
    for (const MaxPoolOptions& o : all_options) {
      INFO(name(t) << " size " << o.size << " stride " << o.stride << " padding " << o.padding);
      const Tensor whole = random_tensor({2, 11, 8, 37}, "x", DType::f64, 0, 2).to(DType::i32), x = whole.to(t);  // few values: many ties
      const Tensor gy = random_tensor(pooled_shape(x.shape(), o), "gy", t);
      std::vector<Exact> y, gx(static_cast<size_t>(x.numel()));
      const std::vector<int64_t> at = maxima(x, o);
      for (size_t i = 0; i < at.size(); ++i) {
        y.push_back({x.at(at[i]), 0});
        gx[static_cast<size_t>(at[i])] += gy.at(static_cast<int64_t>(i));
      }
      CHECK(off(max_pool2d(Var(x), o).value(), y) == "");
      CHECK(off(gradient([&](const Var& v) { return max_pool2d(v, o); }, x, gy), gx) == "");
    }
  }
}

TEST_CASE("max_pool2d: the same bits for any number of threads", "[max_pool]") {
  const Tensor x = random_tensor({2, 63, 61, 16}, "x", DType::f32), gy = random_tensor({2, 32, 31, 16}, "gy", DType::f32);
  CHECK(same_for_any_threads([&] { return max_pool2d(Var(x)).value(); }));
  CHECK(same_for_any_threads([&] { return gradient([](const Var& v) { return max_pool2d(v); }, x, gy); }));
}

TEST_CASE("max_pool2d: edges and errors", "[max_pool]") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(max_pool2d(Var(Tensor::zeros({0, 4, 4, 3}))).shape() == Shape{0, 2, 2, 3});
  CHECK(max_pool2d(Var(Tensor::zeros({2, 4, 4, 0}))).shape() == Shape{2, 2, 2, 0});
  CHECK(max_pool2d(Var(Tensor::full({1, 1, 1, 1}, -7))).value().at(0) == -7);  // the padding is not 0
  CHECK(max_pool2d(Var(Tensor::full({1, 3, 3, 17}, -inf))).value().at(3) == -inf);
  const Tensor gx = gradient([](const Var& v) { return max_pool2d(v); }, Tensor::full({1, 1, 1, 1}, -inf), Tensor::full({1, 1, 1, 1}, 2));
  CHECK(gx.at(0) == 2);
  Tensor x = Tensor::zeros({1, 3, 3, 1});
  x.data<float>()[8] = std::nanf("");
  const Tensor y = max_pool2d(Var(x)).value();
  CHECK(y.at(0) == 0);
  CHECK(std::isnan(y.at(3)));

  const Var map(Tensor::zeros({1, 4, 4, 1}));
  CHECK_THROWS_WITH(max_pool2d(Var(Tensor::zeros({4, 4, 1}))), Contains("max_pool2d: x must be [N,H,W,C], got [4, 4, 1]"));
  CHECK_THROWS_WITH(max_pool2d(map, {0, 2, 0}), Contains("max_pool2d: size must be 1 to 15, got 0"));
  CHECK_THROWS_WITH(max_pool2d(map, {16, 2, 0}), Contains("size must be 1 to 15, got 16"));
  CHECK_THROWS_WITH(max_pool2d(map, {2, 0, 0}), Contains("max_pool2d: stride must be at least 1, got 0"));
  CHECK_THROWS_WITH(max_pool2d(map, {3, 2, 2}), Contains("padding must be 0 to half the size 3, got 2"));
  CHECK_THROWS_WITH(max_pool2d(map, {3, 2, -1}), Contains("padding must be"));
  CHECK_THROWS_WITH(max_pool2d(map, {5, 2, 0}), Contains("the map must hold a window of 5, got [1, 4, 4, 1] with padding 0"));
  CHECK_THROWS_WITH(max_pool2d(Var(Tensor::zeros({1, 4, 4, 1}, DType::u8))), Contains("max_pool2d: expected a floating type"));
}
