#include "ops/resize/bilinear.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

// Weight of pixel p in output i of an axis: the hat of width 1 around the source position, the edge's pixel taking what falls outside.
real weight(int64_t p, int64_t i, int64_t in, int64_t out) {
  const real s = (static_cast<real>(i) + 0.5L) * static_cast<real>(in) / static_cast<real>(out) - 0.5L;
  const real clamped = std::min(std::max<real>(s, 0), static_cast<real>(in - 1));
  return std::max<real>(0, 1 - std::abs(clamped - static_cast<real>(p)));
}

struct Expected {
  std::vector<Exact> y, gx;
};

Expected oracle(const Tensor& x, const Tensor& gy) {
  const int64_t N = x.size(0), H = x.size(1), W = x.size(2), C = x.size(3), OH = gy.size(1), OW = gy.size(2);
  Expected e{std::vector<Exact>(static_cast<size_t>(gy.numel())), std::vector<Exact>(static_cast<size_t>(x.numel()))};
  for (int64_t n = 0; n < N; ++n)
    for (int64_t i = 0; i < OH; ++i)
      for (int64_t j = 0; j < OW; ++j)
        for (int64_t h = 0; h < H; ++h)
          for (int64_t w = 0; w < W; ++w) {
            const real k = weight(h, i, H, OH) * weight(w, j, W, OW);
            for (int64_t c = 0; k != 0 && c < C; ++c) {
              const int64_t at_x = ((n * H + h) * W + w) * C + c, at_y = ((n * OH + i) * OW + j) * C + c;
              e.y[static_cast<size_t>(at_y)] += k * x.at(at_x);
              e.gx[static_cast<size_t>(at_x)] += k * gy.at(at_y);
            }
          }
  return e;
}

}  // namespace

TEST_CASE("resize_bilinear: worked examples", "[bilinear]") {
  const Tensor x = Tensor::of<float>({1, 1, 3, 1}, {1, 2, 4});
  const Tensor y = resize_bilinear(Var(x), 1, 6).value();
  const double expected[] = {1, 1.25, 1.75, 2.5, 3.5, 4};
  for (int i = 0; i < 6; ++i) CHECK(y.at(i) == expected[i]);
  const Tensor column = resize_bilinear(Var(x.reshape({1, 3, 1, 1})), 6, 2).value();
  for (int i = 0; i < 12; ++i) CHECK(column.at(i) == expected[i / 2]);
  CHECK(resize_bilinear(Var(Tensor::of<float>({1, 2, 2, 1}, {0, 2, 4, 10})), 1, 1).value().at(0) == 4);  // the centre: the mean
}

TEST_CASE("resize_bilinear: gradient", "[bilinear]") {
  const Tensor x = random_tensor({2, 4, 5, 3}, "x");
  for (const Shape& s : {Shape{8, 10}, Shape{7, 3}, Shape{4, 5}, Shape{1, 1}, Shape{2, 13}, Shape{9, 1}})
    CHECK(gradient_off([&](const std::vector<Var>& v) { return resize_bilinear(v[0], static_cast<int>(s[0]), static_cast<int>(s[1])); },
                       {x}) == "");
}

TEST_CASE("resize_bilinear: constants stay, ramps stay ramps inside, the same size copies", "[bilinear]") {
  const Tensor c = resize_bilinear(Var(Tensor::full({1, 3, 5, 2}, 0.75)), 7, 11).value();
  for (int64_t i = 0; i < c.numel(); ++i) CHECK(c.at(i) == Approx(0.75).epsilon(1e-6));
  const Tensor ramp = Tensor::empty({1, 1, 10, 1}, DType::f64);
  for (int64_t i = 0; i < 10; ++i) ramp.data<double>()[i] = static_cast<double>(i) + 0.5;  // value = position of the centre
  const Tensor y = resize_bilinear(Var(ramp), 1, 24).value();
  for (int64_t j = 0; j < 24; ++j) {
    const double position = (static_cast<double>(j) + 0.5) * 10 / 24;
    CHECK(y.at(j) == Approx(std::min(std::max(position, 0.5), 9.5)).epsilon(1e-14));
  }
  const Tensor x = random_tensor({2, 4, 5, 3}, "x", DType::f32);
  CHECK(same_bits(resize_bilinear(Var(x), 4, 5).value(), x));
}

TEST_CASE("resize_bilinear: every type against the definition", "[bilinear]") {
  for (const DType t : float_types) {
    for (const Shape& s : {Shape{10, 14}, Shape{13, 6}, Shape{2, 21}}) {
      INFO(name(t) << " to " << s[0] << " x " << s[1]);
      const int h = static_cast<int>(s[0]), w = static_cast<int>(s[1]);
      const Tensor x = random_tensor({2, 5, 7, 21}, "x", t), gy = random_tensor({2, h, w, 21}, "gy", t);
      const Expected e = oracle(x, gy);
      const auto f = [&](const Var& v) { return resize_bilinear(v, h, w); };
      CHECK(off(f(Var(x)).value(), e.y, t == DType::bf16 ? 0.6 : 4) == "");
      CHECK(off(gradient(f, x, gy), e.gx, t == DType::bf16 ? 0.6 : 4) == "");
      CHECK(same_for_any_threads([&] { return f(Var(x)).value(); }));
      CHECK(same_for_any_threads([&] { return gradient(f, x, gy); }));
    }
  }
}

TEST_CASE("resize_bilinear: edges and errors", "[bilinear]") {
  CHECK(resize_bilinear(Var(Tensor::zeros({0, 2, 2, 3})), 4, 4).shape() == Shape{0, 4, 4, 3});
  CHECK(resize_bilinear(Var(Tensor::zeros({1, 2, 2, 0})), 4, 4).shape() == Shape{1, 4, 4, 0});
  const Tensor one = resize_bilinear(Var(Tensor::full({1, 1, 1, 1}, 6)), 3, 2).value();
  for (int i = 0; i < 6; ++i) CHECK(one.at(i) == 6);
  CHECK_THROWS_WITH(resize_bilinear(Var(Tensor::zeros({2, 2, 3})), 4, 4), Contains("resize_bilinear: x must be [N,H,W,C], got [2, 2, 3]"));
  CHECK_THROWS_WITH(resize_bilinear(Var(Tensor::zeros({1, 2, 2, 3})), 4, -1),
                    Contains("resize_bilinear: the target size must be positive, got 4 x -1"));
  CHECK_THROWS_WITH(resize_bilinear(Var(Tensor::zeros({1, 2, 0, 3})), 4, 4), Contains("the map must have pixels, got [1, 2, 0, 3]"));
  CHECK_THROWS_WITH(resize_bilinear(Var(Tensor::zeros({1, 2, 2, 3}, DType::u8)), 4, 4), Contains("expected a floating type"));
}
