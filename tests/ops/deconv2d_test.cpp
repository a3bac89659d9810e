#include "ops/conv/deconv2d.h"

#include "autograd/gradcheck.h"
#include "tests/catch.h"
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
