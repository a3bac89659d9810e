#include "ops/conv/conv2d.h"

#include "autograd/gradcheck.h"
#include "ops/conv/conv2d_rungs.h"
#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/ops/conv_golden.h"
#include "tests/ops/conv_oracle.h"

using namespace mr;
using Catch::Matchers::Contains;
using oracle::random;

namespace {

struct Layer {
  Shape x, w;
  oracle::Conv o;
};
const Layer layers[] = {
    {{2, 6, 7, 5}, {4, 1, 1, 5}, {}},         // matmul
    {{1, 7, 6, 20}, {33, 1, 1, 20}, {2, 0}},  // 1×1, stride 2
    {{2, 9, 10, 3}, {19, 7, 7, 3}, {2, 3}},   // the stem
    {{1, 8, 9, 24}, {20, 3, 3, 24}, {1, 1}},
    {{3, 14, 14, 16}, {16, 3, 3, 16}, {1, 1}},  // RoI maps
    {{1, 13, 19, 17}, {35, 3, 3, 17}, {1, 1}},
    {{2, 9, 7, 8}, {10, 3, 3, 8}, {2, 1}},
    {{1, 9, 11, 6}, {7, 3, 3, 6}, {1, 2, 2}},  // dilated
    {{1, 10, 9, 5}, {6, 3, 2, 5}, {3, 2, 2}},
    {{2, 6, 5, 12}, {8, 3, 3, 3}, {1, 1, 1, 4}},  // groups
    {{1, 7, 8, 8}, {12, 3, 3, 2}, {2, 1, 1, 4}},
    {{2, 7, 9, 32}, {32, 3, 3, 4}, {1, 1, 1, 8}},  // a ResNeXt's, and the one that halves the map
    {{1, 8, 6, 64}, {64, 3, 3, 8}, {2, 1, 1, 8}},
    {{1, 5, 15, 64}, {64, 3, 3, 16}, {1, 2, 2, 4}},
    {{1, 9, 17, 64}, {64, 3, 3, 32}, {2, 1, 1, 2}},
    {{1, 6, 7, 24}, {24, 3, 3, 24}, {1, 2, 2}},  // a dilated res5's
    {{1, 5, 5, 4}, {3, 5, 5, 4}, {1, 0}},        // the kernel covers the map
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {}},
    {{1, 1, 1, 40}, {40, 3, 3, 40}, {1, 1}},
    {{5, 3, 2, 20}, {24, 3, 3, 20}, {1, 1}},
};

Conv2dCase case_of(const Layer& l, DType t) {
  const Shape y = oracle::conv_shape(l.x, l.w, l.o);
  return {l.x[0],
          l.x[1],
          l.x[2],
          l.x[3],
          l.w[0],
          l.w[1],
          l.w[2],
          y[1],
          y[2],
          static_cast<int>(l.o.stride),
          static_cast<int>(l.o.padding),
          static_cast<int>(l.o.dilation),
          static_cast<int>(l.o.groups),
          t};
}

double off(const Conv2dRung& rung, const Tensor& got, const oracle::Sums& want, double eps) {
  return std::string_view(rung.name) == "winograd" ? oracle::worst_of_largest(got, want, eps) : oracle::worst(got, want, eps);
}

// In roundings of the sum. Winograd's matrices have entries up to 8, and without a fused multiply-add each is a rounding more.
// oneDNN below AVX-512 takes the products of groups one after the other into one sum.
double bound(const Conv2dRung& rung) {
  return std::string_view(rung.name) == "winograd" || std::string_view(rung.name) == "onednn" ? 8 : 4;
}

Conv2dOptions options_of(const oracle::Conv& o) {
  return {static_cast<int>(o.stride), static_cast<int>(o.padding), static_cast<int>(o.dilation), static_cast<int>(o.groups)};
}

}  // namespace

TEST_CASE("conv2d: worked by hand", "[conv2d]") {
  const Var x(Tensor::of<float>({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9})), w(Tensor::of<float>({1, 2, 2, 1}, {1, 0, 0, -1}));
  CHECK(oracle::same_bits(conv2d(x, w, {}).value(), Tensor::of<float>({1, 2, 2, 1}, {-4, -4, -4, -4})));  // x[i,j] − x[i+1,j+1]
  CHECK(oracle::same_bits(conv2d(x, w, {}, {2, 1}).value(), Tensor::of<float>({1, 2, 2, 1}, {-1, -3, -7, -4})));
  Epilogue e;  // ((−4 + 1) · 2 + 3) + residual = −3 + residual
  e.scale = Tensor::of<float>({1}, {2});
  e.shift = Tensor::of<float>({1}, {3});
  e.residual = Var(Tensor::of<float>({1, 2, 2, 1}, {0, 3, 4, 10}));
  e.relu = true;
  CHECK(oracle::same_bits(conv2d(x, w, Var(Tensor::of<float>({1}, {1})), {}, e).value(), Tensor::of<float>({1, 2, 2, 1}, {0, 0, 1, 7})));
}

TEST_CASE("conv2d: every rung, forward, data and weights, against the formula", "[conv2d]") {
  for (const Layer& l : layers)
    for (const DType t : {DType::f32, DType::f64, DType::bf16}) {
      const Conv2dCase c = case_of(l, t);
      const Tensor x = random(l.x, 1, t), w = random(l.w, 2, t), gy = random(c.y_shape(), 3, t);
      const oracle::Sums y = oracle::conv(x, w, l.o), gx = oracle::conv_data(l.x, w, gy, l.o), gw = oracle::conv_weights(x, l.w, gy, l.o);
      for (const Conv2dRung& rung : conv2d_rungs()) {
        INFO(str(rung.name, ": ", c));
        if (rung.supports(c, Conv2dPass::forward)) CHECK(off(rung, rung.forward(c, x, Var(w), {}), y, oracle::eps(t)) <= bound(rung));
        if (rung.supports(c, Conv2dPass::data)) CHECK(off(rung, rung.data(c, gy, Var(w), {}), gx, oracle::eps(t)) <= bound(rung));
        if (rung.supports(c, Conv2dPass::weights)) CHECK(off(rung, rung.weights(c, x, gy), gw, oracle::eps(c.sum_dtype())) <= bound(rung));
      }
    }
}

// oneDNN's kernels for AMX compute some of these wrongly (conv2d_onednn.cpp).
TEST_CASE("conv2d: the weights' gradient of wide and of tall maps in bf16", "[conv2d]") {
  for (const Layer& l : {Layer{{1, 40, 400, 16}, {16, 3, 3, 16}, {1, 1}}, Layer{{1, 288, 256, 4}, {8, 3, 3, 4}, {1, 1}}}) {
    const Conv2dCase c = case_of(l, DType::bf16);
    const Tensor x = random(l.x, 1, DType::bf16), gy = random(c.y_shape(), 2, DType::bf16);
    const oracle::Sums want = oracle::conv_weights(x, l.w, gy, l.o);
    for (const Conv2dRung& rung : conv2d_rungs()) {
      if (!rung.supports(c, Conv2dPass::weights)) continue;
      INFO(str(rung.name, ": ", c));
      CHECK(off(rung, rung.weights(c, x, gy), want, oracle::eps32) <= bound(rung));
    }
  }
}

TEST_CASE("conv2d: every rung agrees with torch on random cases", "[conv2d]") {
  const Tensor cases = conv_golden()["conv.cases"], sums = conv_golden()["conv.sums"];
  REQUIRE(cases.size(0) >= 1000);
  for (int64_t k = 0; k < cases.size(0); ++k) {
    const uint8_t* v = cases.data<uint8_t>() + k * cases.size(1);  // N H W Cin Cout kH kW stride padding dilation groups
    const Layer l = {{v[0], v[1], v[2], v[3]}, {v[4], v[5], v[6], v[3] / v[10]}, {v[7], v[8], v[9], v[10]}};
    const auto seed = static_cast<uint64_t>(8 * k);
    const Tensor x = golden_values(seed, l.x), w = golden_values(seed + 1, l.w), b = golden_values(seed + 2, {v[4]}),
                 gy = golden_values(seed + 3, oracle::conv_shape(l.x, l.w, l.o));
    oracle::Sums y = oracle::conv(x, w, l.o);
    for (int64_t i = 0; i < y.terms.numel(); ++i) y.terms.data<double>()[i] += std::abs(b.at(i % v[4]));
    const double scale[] = {weighted_terms(y.terms, seed + 4), weighted_terms(oracle::conv_data(l.x, w, gy, l.o).terms, seed + 5),
                            weighted_terms(oracle::conv_weights(x, l.w, gy, l.o).terms, seed + 6)};
    for (const DType t : {DType::f32, DType::f64}) {
      const Conv2dCase c = case_of(l, t);
      const Tensor xt = x.to(t), gyt = gy.to(t);
      const Var wt(w.to(t));
      // torch's own f64 has rounded too, and Winograd's sums are of more terms than the formula's
      const auto agrees = [&](const Conv2dRung& rung, const Tensor& got, int which) {
        const double off = std::abs(weighted(got, seed + 4 + static_cast<uint64_t>(which)) - sums.at(k * 4 + which));
        const double roundings = t == DType::f64 ? 64 : 4 * bound(rung);
        if (off <= roundings * oracle::eps(t) * scale[which]) return;
        INFO(str("case ", k, ", ", rung.name, ", ", c, ": sum ", which));
        CHECK(off <= roundings * oracle::eps(t) * scale[which]);
      };
      for (const Conv2dRung& rung : conv2d_rungs()) {
        if (rung.supports(c, Conv2dPass::forward)) agrees(rung, rung.forward(c, xt, wt, {{}, b.to(t), {}, false}), 0);
        if (rung.supports(c, Conv2dPass::data)) agrees(rung, rung.data(c, gyt, wt, {}), 1);
        if (rung.supports(c, Conv2dPass::weights)) agrees(rung, rung.weights(c, xt, gyt), 2);
      }
    }
  }
}

TEST_CASE("conv2d: every rung finishes alike", "[conv2d]") {
  for (const Layer& l : layers) {
    const Conv2dCase c = case_of(l, DType::f32);
    const Tensor x = random(l.x, 1, DType::f32), w = random(l.w, 2, DType::f32);
    const Conv2dFinish f{random({c.Cout}, 3, DType::f32), random({c.Cout}, 4, DType::f32), random(c.y_shape(), 5, DType::f32), true};
    oracle::Sums want = oracle::conv(x, w, l.o);
    for (int64_t i = 0; i < want.value.numel(); ++i) {
      const double v = want.value.at(i) * f.scale.at(i % c.Cout) + f.shift.at(i % c.Cout) + f.residual.at(i);
      want.value.data<double>()[i] = v > 0 ? v : 0;
      want.terms.data<double>()[i] =
          want.terms.at(i) * std::abs(f.scale.at(i % c.Cout)) + std::abs(f.shift.at(i % c.Cout)) + std::abs(f.residual.at(i));
    }
    for (const Conv2dRung& rung : conv2d_rungs()) {
      INFO(str(rung.name, ": ", c));
      if (rung.supports(c, Conv2dPass::forward)) CHECK(off(rung, rung.forward(c, x, Var(w), f), want, oracle::eps32) <= bound(rung));
    }
    const Conv2dFinish g{random({c.Cin}, 3, DType::f32), random({c.Cin}, 4, DType::f32), {}, true};
    const Tensor gy = random(c.y_shape(), 6, DType::f32);
    oracle::Sums gx = oracle::conv_data(l.x, w, gy, l.o);
    for (int64_t i = 0; i < gx.value.numel(); ++i) {
      const double v = gx.value.at(i) * g.scale.at(i % c.Cin) + g.shift.at(i % c.Cin);
      gx.value.data<double>()[i] = v > 0 ? v : 0;
      gx.terms.data<double>()[i] = gx.terms.at(i) * std::abs(g.scale.at(i % c.Cin)) + std::abs(g.shift.at(i % c.Cin));
    }
    for (const Conv2dRung& rung : conv2d_rungs()) {
      INFO(str(rung.name, " data: ", c));
      if (rung.supports(c, Conv2dPass::data)) CHECK(off(rung, rung.data(c, gy, Var(w), g), gx, oracle::eps32) <= bound(rung));
    }
  }
}

TEST_CASE("conv2d: gradcheck, with and without all that may follow", "[conv2d]") {
  for (const Layer& l : layers) {
    const Shape y = oracle::conv_shape(l.x, l.w, l.o);
    const Tensor scale = random({y[3]}, 11), shift = random({y[3]}, 12);
    const std::vector<Tensor> in = {random(l.x, 1), random(l.w, 2), random({y[3]}, 3), random(y, 4)};
    GradcheckOptions few;
    few.most = 16;
    const auto plain = [&](const std::vector<Var>& v) { return conv2d(v[0], v[1], v[2], options_of(l.o)); };
    const auto full = [&](const std::vector<Var>& v) { return conv2d(v[0], v[1], v[2], options_of(l.o), {scale, shift, v[3], true}); };
    for (const auto& f : {std::function<Var(const std::vector<Var>&)>(plain), std::function<Var(const std::vector<Var>&)>(full)}) {
      const GradcheckResult r = gradcheck(f, in, few);
      INFO(str(case_of(l, DType::f64), ": ", r.message));
      CHECK(r.ok);
    }
  }
}

TEST_CASE("conv2d: a shifted input gives a shifted output, and gradients leave what was given to others alone", "[conv2d]") {
  const Tensor x = random({1, 12, 12, 16}, 1, DType::f32), w = random({16, 3, 3, 16}, 2, DType::f32);
  Tensor moved = Tensor::zeros({1, 12, 12, 16});
  for (int64_t h = 1; h < 12; ++h)
    for (int64_t i = 0; i < 12 * 16; ++i) moved.data<float>()[h * 12 * 16 + i] = x.data<float>()[(h - 1) * 12 * 16 + i];
  const Tensor a = conv2d(Var(x), Var(w), {}, {1, 1}).value(), b = conv2d(Var(moved), Var(w), {}, {1, 1}).value();
  double most = 0;
  for (int64_t h = 2; h < 10; ++h)
    for (int64_t i = 0; i < 12 * 16; ++i) most = std::max(most, std::abs(b.at((h + 1) * 12 * 16 + i) - a.at(h * 12 * 16 + i)));
  CHECK(most < 1e-4);

  const Tensor seed = random({1, 12, 12, 16}, 3, DType::f32), kept = seed.clone();
  const Var leaf(x, true), weight(w, true);
  backward(conv2d(leaf, weight, {}, {1, 1}, {{}, {}, {}, true}), seed);
  CHECK(oracle::same_bits(seed, kept));
}

TEST_CASE("conv2d: bf16 with f32 master weights is near f32, and the masters get f32 gradients", "[conv2d]") {
  const Tensor x = random({2, 9, 8, 24}, 1), w = random({20, 3, 3, 24}, 2), b = random({20}, 3), r = random({2, 9, 8, 20}, 4),
               gy = random({2, 9, 8, 20}, 5);
  const auto run = [&](DType t) {
    const Var xv(x.to(t), true), wv(w.to(DType::f32), true), bv(b.to(DType::f32), true), rv(r.to(t), true);
    const Var y = conv2d(xv, wv, bv, {1, 1}, {{}, {}, rv, false});
    backward(y, gy.to(t));
    return std::vector<Tensor>{y.value(), xv.grad(), wv.grad(), bv.grad(), rv.grad()};
  };
  const auto f = run(DType::f32), h = run(DType::bf16);
  for (size_t i = 0; i < f.size(); ++i) CHECK(oracle::off_norm(h[i], f[i]) < 8e-3);
  CHECK(h[0].dtype() == DType::bf16);
  CHECK(h[1].dtype() == DType::bf16);
  CHECK(h[2].dtype() == DType::f32);
}

TEST_CASE("conv2d: derived weights follow the weights", "[conv2d]") {
  for (const Layer& l : layers) {
    const Conv2dCase c = case_of(l, DType::f32);
    const Tensor x = random(l.x, 1, DType::f32), gy = random(c.y_shape(), 3, DType::f32);
    for (const Conv2dRung& rung : conv2d_rungs()) {
      const Var w(random(l.w, 2, DType::f32));
      INFO(str(rung.name, ": ", c));
      for (const Conv2dPass pass : {Conv2dPass::forward, Conv2dPass::data}) {
        if (!rung.supports(c, pass)) continue;
        const auto run = [&] { return pass == Conv2dPass::forward ? rung.forward(c, x, w, {}) : rung.data(c, gy, w, {}); };
        const Tensor before = run();
        before.scale_(-2);
        w.value().scale_(-2);
        w.touch();
        CHECK(oracle::off_norm(run(), before) < 1e-6);
      }
    }
  }
}

TEST_CASE("conv2d: our own rungs give the same bits for 1, 2 and 4 threads", "[conv2d]") {
  const ContextGuard guard;
  for (const Layer& l : layers) {
    const Conv2dCase c = case_of(l, DType::f32);
    const Tensor x = random(l.x, 1, DType::f32), gy = random(c.y_shape(), 3, DType::f32);
    const Var w(random(l.w, 2, DType::f32));
    for (const Conv2dRung& rung : conv2d_rungs()) {
      if (std::string_view(rung.name) == "onednn" || !rung.supports(c, Conv2dPass::forward) || !rung.supports(c, Conv2dPass::data) ||
          !rung.supports(c, Conv2dPass::weights))
        continue;
      std::vector<Tensor> first;
      for (const int threads : {1, 2, 4}) {
        context().threads = threads;
        const std::vector<Tensor> now = {rung.forward(c, x, w, {}), rung.data(c, gy, w, {}), rung.weights(c, x, gy)};
        if (first.empty()) first = now;
        INFO(str(rung.name, ": ", c, ", ", threads, " threads"));
        for (size_t i = 0; i < now.size(); ++i) CHECK(oracle::same_bits(now[i], first[i]));
      }
    }
  }
}

TEST_CASE("conv2d: no images, no work", "[conv2d]") {
  const Var x(Tensor::empty({0, 14, 14, 16}), true);
  for (const int size : {1, 3}) {
    const Var w(random({8, size, size, 16}, 1, DType::f32), true), b(random({8}, 2, DType::f32), true);
    const Var y = conv2d(x, w, b, {1, size / 2}, {{}, {}, {}, true});
    CHECK(y.shape() == Shape({0, 14, 14, 8}));
    backward(y, Tensor::empty(y.shape()));
    CHECK(oracle::same_bits(w.grad(), Tensor::zeros(w.shape())));
    CHECK(oracle::same_bits(b.grad(), Tensor::zeros({8})));
    CHECK(x.grad().shape() == x.shape());
  }
  const Var grouped(Tensor::empty({0, 14, 14, 32}), true), w(random({32, 3, 3, 4}, 1, DType::f32), true);
  const Var y = conv2d(grouped, w, {}, {2, 1, 1, 8});
  CHECK(y.shape() == Shape({0, 7, 7, 32}));
  backward(y, Tensor::empty(y.shape()));
  CHECK(oracle::same_bits(w.grad(), Tensor::zeros(w.shape())));
}

TEST_CASE("conv2d: frozen weights and inputs get no gradient", "[conv2d]") {
  const Var x(random({1, 6, 6, 16}, 1, DType::f32)), frozen(random({16, 3, 3, 16}, 2, DType::f32)),
      w(random({16, 3, 3, 16}, 3, DType::f32), true);
  const Var y = conv2d(conv2d(x, w, {}, {1, 1}), frozen, {}, {1, 1});
  backward(y, Tensor::full(y.shape(), 1));
  CHECK(w.grad().defined());
  CHECK_FALSE(frozen.grad().defined());
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("conv2d: errors say what was wrong", "[conv2d]") {
  const Var x(Tensor::empty({1, 5, 5, 4})), w(Tensor::empty({6, 3, 3, 4}));
  CHECK_THROWS_WITH(conv2d(Var(Tensor::empty({5, 5, 4})), w, {}), Contains("conv2d: x must be [N,H,W,Cin], got [5, 5, 4]"));
  CHECK_THROWS_WITH(conv2d(x, Var(Tensor::empty({6, 3, 3, 5})), {}), Contains("conv2d: w takes 5 channels, x has 4"));
  CHECK_THROWS_WITH(conv2d(x, w, Var(Tensor::empty({5}))), Contains("conv2d: b must be [6], got [5]"));
  CHECK_THROWS_WITH(conv2d(x, w, {}, {1, 0, 3}), Contains("is larger than the padded map"));
  CHECK_THROWS_WITH(conv2d(x, w, {}, {0, 0}), Contains("stride, dilation and groups must be at least 1"));
  CHECK_THROWS_WITH(conv2d(x, w, {}, {1, 0, 1, 3}), Contains("conv2d: 3 groups do not divide Cin 4"));
  CHECK_THROWS_WITH(conv2d(x, w, {}, {}, {{}, {}, Var(Tensor::empty({1, 5, 5, 6}))}),
                    Contains("conv2d: residual must be [1, 3, 3, 6], got [1, 5, 5, 6]"));
  CHECK_THROWS_WITH(conv2d(x, w, {}, {}, {Tensor::empty({4})}), Contains("conv2d: scale must be [6], got [4]"));
  CHECK_THROWS_WITH(conv2d(x, Var(Tensor::empty({6, 3, 3, 4}, DType::f64)), {}), Contains("f64 goes with f64 alone"));
}
