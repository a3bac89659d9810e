#include "ops/conv/deconv2d.h"

#include "autograd/gradcheck.h"
#include "tests/catch.h"
#include "tests/ops/conv_golden.h"
#include "tests/ops/conv_oracle.h"

using namespace mr;
using Catch::Matchers::Contains;
using oracle::random;

namespace {

struct Layer {
  Shape x, w;
  oracle::Conv o;  // of the convolution that this is the adjoint of
};
const Layer layers[] = {
    {{2, 7, 7, 16}, {16, 2, 2, 8}, {2, 0}},                                        // the mask head
    {{1, 5, 4, 6}, {6, 4, 4, 5}, {2, 1}},                                          // keypoints
    {{1, 4, 5, 3}, {3, 3, 3, 7}, {1, 1}},   {{1, 3, 3, 4}, {4, 2, 3, 2}, {3, 0}},  // gaps between the kernels
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 0}},
};

Shape y_shape(const Layer& l) {
  return {l.x[0], (l.x[1] - 1) * l.o.stride - 2 * l.o.padding + l.w[1], (l.x[2] - 1) * l.o.stride - 2 * l.o.padding + l.w[2], l.w[3]};
}
Deconv2dOptions options_of(const Layer& l) { return {static_cast<int>(l.o.stride), static_cast<int>(l.o.padding)}; }

}  // namespace

TEST_CASE("deconv2d: worked by hand", "[deconv2d]") {
  const Var x(Tensor::of<float>({1, 1, 2, 1}, {1, -2})), w(Tensor::of<float>({1, 2, 2, 1}, {1, 2, 3, 4})), b(Tensor::of<float>({1}, {1}));
  CHECK(oracle::same_bits(deconv2d(x, w, b).value(), Tensor::of<float>({1, 2, 4, 1}, {2, 3, -1, -3, 4, 5, -5, -7})));
  CHECK(oracle::same_bits(deconv2d(x, w, b, {}, true).value(), Tensor::of<float>({1, 2, 4, 1}, {2, 3, 0, 0, 4, 5, 0, 0})));
  CHECK(oracle::same_bits(deconv2d(x, w, {}, {1, 0}).value(), Tensor::of<float>({1, 2, 3, 1}, {1, 0, -4, 3, -2, -8})));
}

TEST_CASE("deconv2d: what a ReLU cut off sends nothing back, and a gradient that others hold is left alone", "[deconv2d]") {
  const Var x(Tensor::of<float>({1, 1, 2, 1}, {1, -2}), true), w(Tensor::of<float>({1, 2, 2, 1}, {1, 2, 3, 4}), true);
  const Var b(Tensor::of<float>({1}, {1}), true);
  const Tensor gy = Tensor::full({1, 2, 4, 1}, 1);
  backward(deconv2d(x, w, b, {}, true), gy);  // y = 2 3 0 0 / 4 5 0 0
  CHECK(oracle::same_bits(x.grad(), Tensor::of<float>({1, 1, 2, 1}, {10, 0})));
  CHECK(oracle::same_bits(w.grad(), Tensor::of<float>({1, 2, 2, 1}, {1, 1, 1, 1})));
  CHECK(b.grad().at(0) == 4);
  for (int i = 0; i < 8; ++i) CHECK(gy.at(i) == 1);
}

TEST_CASE("deconv2d: a frozen kernel of ¼ ¾ ¾ ¼ doubles a map, and fades at its border", "[deconv2d]") {
  Tensor x = Tensor::empty({1, 3, 3, 1}), w = Tensor::empty({1, 4, 4, 1});
  const float row[] = {1, 2, 4}, tent[] = {0.25f, 0.75f, 0.75f, 0.25f}, expected[] = {0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 3};
  for (int i = 0; i < 9; ++i) x.data<float>()[i] = row[i % 3];
  for (int i = 0; i < 16; ++i) w.data<float>()[i] = tent[i / 4] * tent[i % 4];
  const Tensor y = deconv2d(Var(x), Var(w), {}, {2, 1}).value();
  REQUIRE(y.shape() == Shape{1, 6, 6, 1});
  for (int i = 0; i < 36; ++i)
    CHECK(y.at(i) == expected[i % 6] * (i / 6 % 5 == 0 ? 0.75f : 1));  // the first and last row have one neighbour
}

TEST_CASE("deconv2d: value and gradients against the formula, every type", "[deconv2d]") {
  for (const Layer& l : layers)
    for (const DType t : {DType::f32, DType::f64, DType::bf16}) {
      const Var x(random(l.x, 1, t), true), w(random(l.w, 2, t), true);
      const Tensor gy = random(y_shape(l), 3, t);
      const Var y = deconv2d(x, w, {}, options_of(l));
      backward(y, gy);
      INFO(str("x ", l.x, " w ", l.w, " ", t));
      CHECK(oracle::worst(y.value(), oracle::conv_data(y_shape(l), w.value(), x.value(), l.o), oracle::eps(t)) <= 4);
      CHECK(oracle::worst(x.grad(), oracle::conv(gy, w.value(), l.o), oracle::eps(t)) <= 4);
      CHECK(oracle::worst(w.grad(), oracle::conv_weights(gy, l.w, x.value(), l.o), oracle::eps(t)) <= 4);
    }
}

TEST_CASE("deconv2d: value and gradients agree with torch on random cases", "[deconv2d]") {
  const Tensor cases = conv_golden()["deconv.cases"], sums = conv_golden()["deconv.sums"];
  REQUIRE(cases.size(0) >= 1000);
  for (int64_t k = 0; k < cases.size(0); ++k) {
    const uint8_t* v = cases.data<uint8_t>() + k * cases.size(1);  // N H W Cin Cout kH kW stride padding
    const Layer l = {{v[0], v[1], v[2], v[3]}, {v[3], v[5], v[6], v[4]}, {v[7], v[8]}};
    const auto seed = static_cast<uint64_t>(8 * (cases.size(0) + k));
    const Tensor x = golden_values(seed, l.x), w = golden_values(seed + 1, l.w), b = golden_values(seed + 2, {v[4]}),
                 gy = golden_values(seed + 3, y_shape(l));
    const oracle::Sums y = oracle::conv_data(y_shape(l), w, x, l.o), gx = oracle::conv(gy, w, l.o),
                       gw = oracle::conv_weights(gy, l.w, x, l.o);
    const double scale[] = {weighted_terms(y.terms, seed + 4) + static_cast<double>(gy.numel()), weighted_terms(gx.terms, seed + 5),
                            weighted_terms(gw.terms, seed + 6), static_cast<double>(gy.numel())};
    for (const DType t : {DType::f32, DType::f64}) {
      const Var xt(x.to(t), true), wt(w.to(t), true), bt(b.to(t), true);
      const Var yt = deconv2d(xt, wt, bt, options_of(l));
      backward(yt, gy.to(t));
      const Tensor got[] = {yt.value(), xt.grad(), wt.grad(), bt.grad()};
      for (int i = 0; i < 4; ++i) {
        const double off = std::abs(weighted(got[i], seed + 4 + static_cast<uint64_t>(i)) - sums.at(k * 4 + i));
        const double most = (t == DType::f64 ? 64 : 16) * oracle::eps(t) * scale[i];
        if (off <= most) continue;
        INFO(str("case ", k, ", x ", l.x, ", w ", l.w, ", ", t, ": sum ", i));
        CHECK(off <= most);
      }
    }
  }
}

TEST_CASE("deconv2d: gradcheck", "[deconv2d]") {
  for (const Layer& l : layers)
    for (const bool relu : {false, true}) {
      const GradcheckResult r = gradcheck([&](const std::vector<Var>& v) { return deconv2d(v[0], v[1], v[2], options_of(l), relu); },
                                          {random(l.x, 1), random(l.w, 2), random({l.w[3]}, 3)});
      INFO(r.message);
      CHECK(r.ok);
    }
}

TEST_CASE("deconv2d: no maps, no work", "[deconv2d]") {
  const Var x(Tensor::empty({0, 14, 14, 8}), true), w(random({8, 2, 2, 4}, 1, DType::f32), true);
  const Var y = deconv2d(x, w, {}, {}, true);
  CHECK(y.shape() == Shape({0, 28, 28, 4}));
  backward(y, Tensor::empty(y.shape()));
  CHECK(oracle::same_bits(w.grad(), Tensor::zeros(w.shape())));
}

TEST_CASE("deconv2d: errors say what was wrong", "[deconv2d]") {
  const Var x(Tensor::empty({1, 5, 5, 4})), w(Tensor::empty({4, 2, 2, 3}));
  CHECK_THROWS_WITH(deconv2d(x, Var(Tensor::empty({3, 2, 2, 4})), {}), Contains("deconv2d: w takes 3 channels, x has 4"));
  CHECK_THROWS_WITH(deconv2d(x, w, Var(Tensor::empty({4}))), Contains("deconv2d: b must be [3], got [4]"));
  CHECK_THROWS_WITH(deconv2d(Var(Tensor::empty({1, 1, 1, 4})), w, {}, {1, 1}), Contains("deconv2d: the output would be empty"));
  CHECK_THROWS_WITH(deconv2d(x, Var(Tensor::empty({4, 2, 2})), {}), Contains("deconv2d: w must be [Cin,kH,kW,Cout], got [4, 2, 2]"));
}
