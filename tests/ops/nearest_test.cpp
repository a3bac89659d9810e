#include "ops/resize/nearest.h"

#include "ops/elementwise/add.h"
#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

// For every element of y the element of x that it copies.
std::vector<int64_t> sources(const Shape& x, int64_t out_h, int64_t out_w) {
  std::vector<int64_t> at;
  for (int64_t n = 0; n < x[0]; ++n)
    for (int64_t i = 0; i < out_h; ++i)
      for (int64_t j = 0; j < out_w; ++j)
        for (int64_t c = 0; c < x[3]; ++c) at.push_back(((n * x[1] + i * x[1] / out_h) * x[2] + j * x[2] / out_w) * x[3] + c);
  return at;
}

}  // namespace

TEST_CASE("upsample_nearest: worked examples", "[nearest]") {
  const Tensor y = upsample_nearest(Var(Tensor::of<float>({1, 2, 2, 1}, {1, 2, 3, 4})), 4, 4).value();
  const double expected[] = {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4};
  for (int i = 0; i < 16; ++i) CHECK(y.at(i) == expected[i]);
  const Tensor five = upsample_nearest(Var(Tensor::of<float>({1, 1, 3, 1}, {7, 8, 9})), 1, 5).value();  // ⌊j·3/5⌋ = 0 0 1 1 2
  const double expected_five[] = {7, 7, 8, 8, 9};
  for (int i = 0; i < 5; ++i) CHECK(five.at(i) == expected_five[i]);
  const Tensor two = upsample_nearest(Var(Tensor::of<float>({1, 1, 5, 1}, {1, 2, 3, 4, 5})), 1, 2).value();  // ⌊j·5/2⌋ = 0 2
  CHECK(two.at(0) == 1);
  CHECK(two.at(1) == 3);
}

TEST_CASE("upsample_nearest and add_upsampled: gradient", "[nearest]") {
  const Tensor x = random_tensor({2, 3, 4, 3}, "x");
  for (const Shape& s : {Shape{6, 8}, Shape{7, 5}, Shape{2, 3}, Shape{3, 4}, Shape{1, 1}})
    CHECK(gradient_off([&](const std::vector<Var>& v) { return upsample_nearest(v[0], static_cast<int>(s[0]), static_cast<int>(s[1])); },
                       {x}) == "");
  for (const Shape& s : {Shape{2, 6, 8, 3}, Shape{2, 5, 7, 3}})
    CHECK(gradient_off([](const std::vector<Var>& v) { return add_upsampled(v[0], v[1]); }, {random_tensor(s, "lateral"), x}) == "");
}

TEST_CASE("upsample_nearest: a constant stays, the same size copies, add_upsampled is the sum", "[nearest]") {
  const Tensor x = random_tensor({2, 5, 7, 37}, "x", DType::f32), lateral = random_tensor({2, 10, 13, 37}, "lateral", DType::f32);
  CHECK(same_bits(upsample_nearest(Var(Tensor::full({1, 3, 3, 2}, 4)), 7, 5).value(), Tensor::full({1, 7, 5, 2}, 4)));
  CHECK(same_bits(upsample_nearest(Var(x), 5, 7).value(), x));
  CHECK(same_bits(add_upsampled(Var(lateral), Var(x)).value(), add(Var(lateral), upsample_nearest(Var(x), 10, 13)).value()));
}

TEST_CASE("upsample_nearest and add_upsampled: every type against the definition", "[nearest]") {
  for (const DType t : float_types) {
    for (const Shape& s : {Shape{10, 14}, Shape{13, 6}, Shape{15, 21}}) {
      INFO(name(t) << " to " << s[0] << " x " << s[1]);
      const int h = static_cast<int>(s[0]), w = static_cast<int>(s[1]);
      const Tensor x = random_tensor({2, 5, 7, 21}, "x", t), lateral = random_tensor({2, h, w, 21}, "lateral", t),
                   gy = random_tensor({2, h, w, 21}, "gy", t);
      const std::vector<int64_t> at = sources(x.shape(), h, w);
      std::vector<Exact> y, sum, gx(static_cast<size_t>(x.numel()));
      for (size_t i = 0; i < at.size(); ++i) {
        y.push_back({x.at(at[i]), 0});
        const double v = x.at(at[i]) + lateral.at(static_cast<int64_t>(i));
        sum.push_back({v, std::abs(v)});
        gx[static_cast<size_t>(at[i])] += gy.at(static_cast<int64_t>(i));
      }
      CHECK(off(upsample_nearest(Var(x), h, w).value(), y) == "");
      CHECK(off(add_upsampled(Var(lateral), Var(x)).value(), sum, 0.51) == "");
      CHECK(off(gradient([&](const Var& v) { return upsample_nearest(v, h, w); }, x, gy), gx, t == DType::bf16 ? 0.6 : 4) == "");
      CHECK(off(gradient([&](const Var& v) { return add_upsampled(Var(lateral), v); }, x, gy), gx, t == DType::bf16 ? 0.6 : 4) == "");
      CHECK(same_bits(gradient([&](const Var& v) { return add_upsampled(v, Var(x)); }, lateral, gy), gy));
      CHECK(same_for_any_threads([&] { return gradient([&](const Var& v) { return upsample_nearest(v, h, w); }, x, gy); }));
    }
  }
}

TEST_CASE("upsample_nearest and add_upsampled: edges and errors", "[nearest]") {
  CHECK(upsample_nearest(Var(Tensor::zeros({0, 2, 2, 3})), 4, 4).shape() == Shape{0, 4, 4, 3});
  CHECK(upsample_nearest(Var(Tensor::zeros({1, 2, 2, 0})), 4, 4).shape() == Shape{1, 4, 4, 0});
  CHECK(upsample_nearest(Var(Tensor::full({1, 1, 1, 1}, 6)), 1, 1).value().at(0) == 6);
  const Var map(Tensor::zeros({1, 2, 2, 3}));
  CHECK_THROWS_WITH(upsample_nearest(Var(Tensor::zeros({2, 2, 3})), 4, 4),
                    Contains("upsample_nearest: the map must be [N,H,W,C], got [2, 2, 3]"));
  CHECK_THROWS_WITH(upsample_nearest(map, 0, 4), Contains("upsample_nearest: the target size must be positive, got 0 x 4"));
  CHECK_THROWS_WITH(upsample_nearest(Var(Tensor::zeros({1, 0, 2, 3})), 4, 4), Contains("the map must have pixels, got [1, 0, 2, 3]"));
  CHECK_THROWS_WITH(upsample_nearest(Var(Tensor::zeros({1, 2, 2, 3}, DType::u8)), 4, 4), Contains("expected a floating type"));
  CHECK_THROWS_WITH(add_upsampled(Var(Tensor::zeros({4, 4, 3})), map), Contains("add_upsampled: lateral must be [N,H,W,C], got [4, 4, 3]"));
  CHECK_THROWS_WITH(add_upsampled(Var(Tensor::zeros({1, 4, 4, 2})), map),
                    Contains("must agree in N and C, got [1, 4, 4, 2] and [1, 2, 2, 3]"));
  CHECK_THROWS_WITH(add_upsampled(Var(Tensor::zeros({2, 4, 4, 3})), map), Contains("must agree in N and C"));
  CHECK_THROWS_WITH(add_upsampled(Var(Tensor::zeros({1, 4, 4, 3}, DType::bf16)), map), Contains("the same type, got bf16 and f32"));
}
