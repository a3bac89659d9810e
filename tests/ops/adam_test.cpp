#include "ops/optim/adam.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/optim/sgd.h"
#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/ops/golden_file.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

struct Trained {
  Tensor w;
  AdamState state;

  explicit Trained(const Tensor& first)
      : w(first.clone()), state{Tensor::zeros(w.shape()), Tensor::zeros(w.shape()), Tensor::of<double>({2}, {1, 1})} {}
  double step(const Tensor& g, const std::vector<ArenaPiece>& pieces, const AdamOptions& options, double lr) {
    return adam_step(w, state, g, {pieces, Device{}}, options, Tensor::of<float>({1}, {static_cast<float>(lr)})).at(0);
  }
};

std::vector<float> values(const Tensor& t) {
  const auto v = t.values<float>();
  return {v.begin(), v.end()};
}

bool same(const Trained& a, const Trained& b) {
  return values(a.w) == values(b.w) && values(a.state.mean) == values(b.state.mean) && values(a.state.square) == values(b.state.square) &&
         a.state.powers.at(0) == b.state.powers.at(0) && a.state.powers.at(1) == b.state.powers.at(1);
}

const std::vector<ArenaPiece> one = {{0, 1, 1, 0.5F}};

// The means, and where the formula takes a weight, in f64.
struct Oracle {
  double w, m = 0, v = 0;
  void step(double g, double lr, double decay, const AdamOptions& o, int t) {
    const double d = o.decay == AdamDecay::coupled ? g + decay * w : g;
    m = o.beta1 * m + (1 - o.beta1) * d;
    v = o.beta2 * v + (1 - o.beta2) * d * d;
    const double mean = m / (1 - std::pow(o.beta1, t)), square = v / (1 - std::pow(o.beta2, t));
    const double old = w;
    w -= lr * mean / (std::sqrt(square) + o.epsilon);
    if (o.decay == AdamDecay::decoupled) w -= lr * decay * old;
  }
};

}  // namespace

TEST_CASE("adam: a worked example with decoupled decay", "[adam]") {
  Trained a(Tensor::of<float>({1}, {1}));
  // The first step is the rate, whatever the gradient's size: m̂ = 2, v̂ = 4, w = 1 − 0.1·(2/2 + ½·1) = 0.85
  CHECK(a.step(Tensor::of<float>({1}, {2}), one, {}, 0.1) == 2);
  CHECK(a.w.at(0) == Approx(0.85));
  CHECK(a.state.mean.at(0) == Approx(0.2));
  CHECK(a.state.square.at(0) == Approx(0.004));
  // g = −1: m = 0.9·0.2 − 0.1 = 0.08, m̂ = 0.08/0.19; v = 0.999·0.004 + 0.001 = 0.004996, v̂ = v/0.001999
  a.step(Tensor::of<float>({1}, {-1}), one, {}, 0.1);
  CHECK(a.state.mean.at(0) == Approx(0.08));
  CHECK(a.state.square.at(0) == Approx(0.004996));
  CHECK(a.state.powers.at(0) == Approx(0.81));
  CHECK(a.state.powers.at(1) == Approx(0.998001));
  CHECK(a.w.at(0) == Approx(0.85 - 0.1 * (0.08 / 0.19 / std::sqrt(0.004996 / 0.001999) + 0.5 * 0.85)).epsilon(1e-6));
}

TEST_CASE("adam: a worked example with coupled decay", "[adam]") {
  Trained a(Tensor::of<float>({1}, {1}));
  // d = 2 + ½·1 = 2.5 is the gradient, and the first step the rate: w = 0.9
  CHECK(a.step(Tensor::of<float>({1}, {2}), one, {.decay = AdamDecay::coupled}, 0.1) == 2);  // the norm is without decay
  CHECK(a.state.mean.at(0) == Approx(0.25));
  CHECK(a.state.square.at(0) == Approx(0.00625));
  CHECK(a.w.at(0) == Approx(0.9));
}

TEST_CASE("adam agrees with the formula in f64, by piece, clipped and not", "[adam]") {
  constexpr int64_t size = 40040;
  std::vector<ArenaPiece> pieces;
  add_pieces(pieces, {0, 40000, 1, 0.01F});
  add_pieces(pieces, {40016, 40023, 2, 0});  // a gap before it, and no whole pack
  for (const AdamDecay way : {AdamDecay::coupled, AdamDecay::decoupled}) {
    for (const double clip : {0.0, 20.0}) {
      const AdamOptions options{way, 0.8, 0.95, 1e-3, clip};
      Trained a(golden_values(1, {size}));
      std::vector<Oracle> want;
      for (const float w : a.w.values<float>()) want.push_back({w});
      for (int t = 1; t <= 4; ++t) {
        const Tensor g = golden_values(static_cast<uint64_t>(1 + t), {size});
        double square = 0;
        for (int64_t i = 0; i < size; ++i) square += i < 40000 || (i >= 40016 && i < 40023) ? g.at(i) * g.at(i) : 0;
        const double scale = clip > 0 ? clip / std::sqrt(square) : 1;
        CHECK(a.step(g, pieces, options, 0.1) == Approx(std::sqrt(square)));
        for (int64_t i = 0; i < 40000; ++i) want[static_cast<size_t>(i)].step(scale * g.at(i), 0.1, 0.01, options, t);
        for (int64_t i = 40016; i < 40023; ++i) want[static_cast<size_t>(i)].step(scale * g.at(i), 0.2, 0, options, t);
        double worst = 0;
        for (int64_t i = 0; i < size; ++i) worst = std::max(worst, std::abs(a.w.at(i) - want[static_cast<size_t>(i)].w));
        CHECK(worst < 3e-6);
      }
    }
  }
}

TEST_CASE("sgd and adam go where torch's optimisers go", "[sgd][adam]") {
  const GoldenFile golden("optimisers.bin", "MR_GOLDEN_OPTIMISERS");
  const std::vector<ArenaPiece> pieces = {{0, 20, 1, 0.05F}, {20, 32, 2, 0}};
  const int64_t steps = golden["rates"].size(0);
  for (const char* name : {"sgd", "nesterov", "adam", "adamw"}) {
    for (const bool clipped : {false, true}) {
      const Tensor& want = golden[str(name, clipped ? "_clipped" : "")];
      const double clip = clipped ? 1.5 : 0;
      const bool is_adam = name[0] == 'a';
      Trained a(golden_values(1, {32}));
      const Tensor velocity = Tensor::zeros({32});
      double worst = 0, moved = 0;
      for (int64_t t = 0; t < steps; ++t) {
        const Tensor g = golden_values(static_cast<uint64_t>(2 + t), {32});
        g.scale_(static_cast<double>(t + 1) / 4);
        const double lr = golden["rates"].at(t);
        if (is_adam) {
          a.step(g, pieces, {name == std::string("adam") ? AdamDecay::coupled : AdamDecay::decoupled, 0.8, 0.95, 1e-3, clip}, lr);
        } else {
          const Tensor rate = Tensor::of<float>({1}, {static_cast<float>(lr)});
          sgd_step(a.w, velocity, g, {pieces, Device{}}, {0.9, name[0] == 'n', clip}, rate);
        }
        for (int64_t i = 0; i < 32; ++i) {
          worst = std::max(worst, std::abs(a.w.at(i) - want.at(32 * t + i)));
          moved = std::max(moved, std::abs(a.w.at(i) - golden_values(1, {32}).at(i)));
        }
      }
      INFO(name << (clipped ? ", clipped" : "") << ": " << worst << " of " << moved);
      CHECK(moved > 0.05);
      CHECK(worst < 1e-6);
    }
  }
}

TEST_CASE("adam does not see the scale of the gradients, without decay not the kind of decay, and weights without gradient decay",
          "[adam]") {
  constexpr int64_t size = 1000;
  const std::vector<ArenaPiece> plain = {{0, size, 1, 0}}, decays = {{0, size, 1, 0.25F}};
  const Tensor first = golden_values(1, {size});
  const AdamOptions exact{.epsilon = 1e-30};  // beside which every root here is large
  Trained a(first), b(first), coupled(first), still(first);
  for (uint64_t t = 2; t < 6; ++t) {
    const Tensor g = golden_values(t, {size}), large = golden_values(t, {size});
    large.scale_(1024);
    a.step(g, plain, exact, 0.01);
    b.step(large, plain, exact, 0.01);
    coupled.step(g, plain, {.decay = AdamDecay::coupled, .epsilon = 1e-30}, 0.01);
    still.step(Tensor::zeros({size}), decays, {}, 0.5);
  }
  CHECK(values(a.w) == values(b.w));
  CHECK(same(a, coupled));
  CHECK(values(a.w) != values(first));
  for (int64_t i = 0; i < size; ++i) CHECK(still.w.at(i) == Approx(first.at(i) * std::pow(1 - 0.5 * 0.25, 4)));
  Trained left(first);
  left.step(Tensor::zeros({size}), plain, {}, 0.5);  // 0/(0 + ε)
  CHECK(values(left.w) == values(first));
}

TEST_CASE("adam: the same bits for every number of threads", "[adam]") {
  constexpr int64_t size = 100000;
  std::vector<ArenaPiece> pieces;
  add_pieces(pieces, {0, size, 1, 0.01F});
  std::vector<Trained> after;
  for (const int threads : {1, 2, 5}) {
    const ContextGuard guard;
    context().threads = threads;
    after.emplace_back(golden_values(1, {size}));
    for (uint64_t t = 2; t < 5; ++t) after.back().step(golden_values(t, {size}), pieces, {.clip_norm = 1}, 0.1);
  }
  CHECK(same(after[0], after[1]));
  CHECK(same(after[0], after[2]));
}

TEST_CASE("adam: a gradient that is not finite leaves weights and state alone", "[adam]") {
  const std::vector<ArenaPiece> pieces = {{0, 20, 1, 0.01F}};
  Trained a(golden_values(1, {20}));
  a.step(golden_values(2, {20}), pieces, {}, 0.1);
  Trained before(a.w);
  before.state = {a.state.mean.clone(), a.state.square.clone(), a.state.powers.clone()};
  const Tensor g = golden_values(3, {20});
  g.data<float>()[6] = std::numeric_limits<float>::infinity();
  CHECK_FALSE(std::isfinite(a.step(g, pieces, {}, 0.1)));
  CHECK(same(a, before));
}

TEST_CASE("adam: what cannot be is an error", "[adam]") {
  const std::vector<ArenaPiece> pieces = {{0, 8, 1, 0}};
  Trained a(golden_values(1, {8}));
  const Tensor g = golden_values(2, {8});
  CHECK_THROWS_WITH(a.step(golden_values(2, {9}), pieces, {}, 0.1), Contains("adam: the arrays must be f32 of one size"));
  CHECK_THROWS_WITH(a.step(g.to(DType::f64), pieces, {}, 0.1), Contains("adam: the arrays must be f32 of one size"));
  CHECK_THROWS_WITH(a.step(g, {{0, 9, 1, 0}}, {}, 0.1), Contains("adam: a piece must end within 8 values, got 9"));
  CHECK_THROWS_WITH(a.step(g, {{2, 8, 1, 0}}, {}, 0.1), Contains("a piece must begin at a multiple of 4 and hold 1 … 32768 values"));
  CHECK_THROWS_WITH(a.step(g, pieces, {.beta1 = 1}, 0.1), Contains("adam: beta must be from 0 to below 1, got 1"));
  CHECK_THROWS_WITH(a.step(g, pieces, {.beta2 = -0.1}, 0.1), Contains("adam: beta must be from 0 to below 1, got -0.1"));
  CHECK_THROWS_WITH(a.step(g, pieces, {.epsilon = 1e-46}, 0.1), Contains("adam: epsilon must be above 0 in f32, got 1e-46"));
  CHECK_THROWS_WITH(adam_step(a.w, a.state, g, {pieces, Device{}}, {}, Tensor::zeros({2})),
                    Contains("adam: the rate must be [1] f32, got [2] f32"));
  a.state.powers = Tensor::zeros({2});
  CHECK_THROWS_WITH(a.step(g, pieces, {}, 0.1), Contains("adam: the powers must be [2] f64"));
  CHECK(values(a.w) == values(golden_values(1, {8})));
}
