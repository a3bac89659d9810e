#include "train/optimiser.h"

#include <cmath>
#include <limits>

#include "tensor/context.h"
#include "tensor/rng.h"
#include "tests/catch.h"
#include "tests/ops/golden_file.h"
#include "train/schedule.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// Three parameters, one of each kind, the weight larger than one piece of the update loop.
struct Model {
  Parameters parameters;
  Model() {
    parameters.add("conv.weight", {40, 1000}, Init::normal(1));
    parameters.add("conv.bias", {7}, Init::normal(1), ParameterKind::bias);
    parameters.add("norm.weight", {5}, Init::normal(1), ParameterKind::norm);
    parameters.pack(1);
  }
  void draw_gradients(uint64_t step) {
    Rng rng(2, "gradient", step);
    for (Parameter& p : parameters.all())
      for (float& g : p.var.grad().values<float>()) g = static_cast<float>(rng.normal());
  }
};

constexpr OptimiserKind every_kind[] = {OptimiserKind::sgd, OptimiserKind::adam, OptimiserKind::adamw};

std::vector<float> after(int threads, const OptimiserConfig& config) {
  const ContextGuard guard;
  context().threads = threads;
  Model m;
  Optimiser optimiser(config, m.parameters);
  for (uint64_t s = 0; s < 5; ++s) {
    m.draw_gradients(s);
    optimiser.step();
  }
  const auto w = m.parameters.weights().values<float>();
  return {w.begin(), w.end()};
}

}  // namespace

TEST_CASE("sgd: a worked example", "[sgd]") {
  Parameters ps;
  const Var w = ps.add("w", {1}, Init::ones());
  ps.pack(0);
  OptimiserConfig c;
  c.momentum = 0.5;
  c.weight_decay = 0.25;
  c.nesterov = true;
  c.lr = 0.1;
  Optimiser sgd(c, ps);
  w.grad().fill_(2);
  // d = 2 + ¼·1 = 2.25, v = 2.25, w = 1 − 0.1·(2.25 + ½·2.25) = 0.6625
  CHECK(sgd.step() == Approx(2));
  CHECK(w.value().at(0) == Approx(0.6625));
  // d = 2 + ¼·0.6625 = 2.165625, v = ½·2.25 + d = 3.290625, w = 0.6625 − 0.1·(d + ½v) = 0.28140625
  sgd.step();
  CHECK(w.value().at(0) == Approx(0.28140625));
  CHECK(sgd.state()[0].second.at(0) == Approx(3.290625));
}

TEST_CASE("sgd agrees with the formula in f64, by group, clipped and not", "[sgd]") {
  for (const double clip : {0.0, 20.0}) {
    for (const bool nesterov : {false, true}) {
      OptimiserConfig c;
      c.lr = 0.1;
      c.nesterov = nesterov;
      c.weight_decay = 0.01;
      c.decay_biases = false;
      c.decay_norms = true;
      c.bias_lr_factor = 2;
      c.clip_norm = clip;
      Model m;
      Optimiser sgd(c, m.parameters);
      std::vector<std::vector<double>> w, v;
      for (const Parameter& p : m.parameters.all()) {
        const auto values = p.var.value().values<float>();
        w.emplace_back(values.begin(), values.end());
        v.emplace_back(values.size(), 0.0);
      }
      for (uint64_t s = 0; s < 3; ++s) {
        m.draw_gradients(s);
        double norm2 = 0;
        for (const Parameter& p : m.parameters.all())
          for (const float g : p.var.grad().values<float>()) norm2 += static_cast<double>(g) * g;
        const double scale = clip > 0 ? std::min(1.0, clip / std::sqrt(norm2)) : 1;
        const double factor[] = {1, 2, 1}, decay[] = {0.01, 0, 0.01};
        for (size_t k = 0; k < 3; ++k) {
          const auto g = m.parameters.all()[k].var.grad().values<float>();
          for (size_t i = 0; i < g.size(); ++i) {
            const double d = scale * g[i] + decay[k] * w[k][i];
            v[k][i] = 0.9 * v[k][i] + d;
            w[k][i] -= 0.1 * factor[k] * (nesterov ? d + 0.9 * v[k][i] : v[k][i]);
          }
        }
        CHECK(sgd.step() == Approx(std::sqrt(norm2)));
        double worst = 0;
        for (size_t k = 0; k < 3; ++k) {
          const auto now = m.parameters.all()[k].var.value().values<float>();
          for (size_t i = 0; i < now.size(); ++i) worst = std::max(worst, std::abs(now[i] - w[k][i]));
        }
        CHECK(worst < 3e-6);
      }
    }
  }
}

TEST_CASE("an optimiser: the same bits for every number of threads, rows without gradient still move", "[optimiser]") {
  for (const OptimiserKind kind : every_kind) {
    OptimiserConfig c;
    c.kind = kind;
    c.lr = 0.1;
    c.clip_norm = 1;
    c.epsilon = 1e-12;
    CHECK(after(1, c) == after(2, c));
    CHECK(after(1, c) == after(5, c));
    Model m;
    Optimiser optimiser(c, m.parameters);
    const double before = m.parameters.all()[0].var.value().at(3);
    optimiser.step();                 // all gradients are 0
    if (kind == OptimiserKind::adam)  // whose decay is a gradient, and a first step the rate
      CHECK(m.parameters.all()[0].var.value().at(3) == Approx(before - std::copysign(0.1, before)).epsilon(1e-3));
    else
      CHECK(m.parameters.all()[0].var.value().at(3) == Approx(before * (1 - 0.1 * 1e-4)));
  }
}

TEST_CASE("adam and adamw take decay and rate by group, as sgd does", "[optimiser]") {
  for (const OptimiserKind kind : {OptimiserKind::adam, OptimiserKind::adamw}) {
    OptimiserConfig c;
    c.kind = kind;
    c.lr = 0.1;
    c.beta1 = 0.8;
    c.beta2 = 0.95;
    c.epsilon = 1e-3;
    c.weight_decay = 0.25;
    c.decay_biases = false;
    c.bias_lr_factor = 2;
    Model m;
    const Tensor before = m.parameters.weights().clone();
    m.draw_gradients(0);
    Optimiser(c, m.parameters).step();
    const double factor[] = {1, 2, 1}, decay[] = {0.25, 0, 0.25};
    for (size_t k = 0; k < 3; ++k) {
      const Parameter& p = m.parameters.all()[k];
      const double w = before.at(m.parameters.offset(p)), g = p.var.grad().at(0);
      const double d = kind == OptimiserKind::adam ? g + decay[k] * w : g, decoupled = kind == OptimiserKind::adam ? 0 : decay[k] * w;
      CHECK(p.var.value().at(0) == Approx(w - 0.1 * factor[k] * (d / (std::abs(d) + 1e-3) + decoupled)).epsilon(1e-5));
    }
  }
}

TEST_CASE("an optimiser steps at the rate of its configuration until another is set", "[optimiser]") {
  Parameters ps;
  const Var w = ps.add("w", {1}, Init::ones());
  ps.pack(0);
  Optimiser sgd({.lr = 0.25, .momentum = 0, .weight_decay = 0}, ps);
  w.grad().fill_(1);
  CHECK(sgd.rate() == 0.25);
  sgd.step();
  CHECK(w.value().at(0) == 0.75);
  sgd.set_rate(0.5);
  sgd.step();
  sgd.step();
  CHECK(sgd.rate() == 0.5);
  CHECK(w.value().at(0) == -0.25);
}

TEST_CASE("sgd: a gradient that is not finite leaves the weights alone", "[sgd]") {
  Model m;
  Optimiser sgd({}, m.parameters);
  const Tensor before = m.parameters.weights().clone();
  m.draw_gradients(0);
  m.parameters.all()[1].var.grad().data<float>()[6] = std::numeric_limits<float>::infinity();
  CHECK_FALSE(std::isfinite(sgd.step()));
  const auto a = before.values<float>(), b = m.parameters.weights().values<float>();
  CHECK(std::equal(a.begin(), a.end(), b.begin()));
  Parameters loose;
  loose.add("w", {1}, Init::ones());
  CHECK_THROWS_WITH(Optimiser({}, loose), Contains("optimiser: the parameters are not packed"));
}

TEST_CASE("schedule: warm-up, steps, cosine", "[schedule]") {
  ScheduleConfig c;
  c.warmup = 100;
  c.warmup_factor = 0.5;
  c.milestones = {0.6, 0.8};
  const auto rate = [&c](int64_t iteration) { return learning_rate(c, 1, 1000, iteration); };
  CHECK(rate(0) == Approx(0.5));
  CHECK(rate(50) == Approx(0.75));
  CHECK(rate(100) == Approx(1));
  CHECK(rate(599) == Approx(1));
  CHECK(rate(600) == Approx(0.1));
  CHECK(rate(800) == Approx(0.01));
  c.kind = ScheduleKind::cosine;
  CHECK(rate(50) == Approx(0.75));
  CHECK(rate(550) == Approx(0.5));
  CHECK(rate(999) < 1e-5);
  CHECK(learning_rate(c, 1, 0, 99) == Approx(0.995));  // the warm-up does not need the length
  CHECK_THROWS_WITH(learning_rate(c, 1, 0, 100), Contains("needs the length of the run"));
  c.warmup = 0;
  CHECK(rate(0) == Approx(1));
}

TEST_CASE("schedule: warm-up and cosine have the rates of torch's LinearLR and CosineAnnealingLR", "[schedule]") {
  const GoldenFile golden("optimisers.bin", "MR_GOLDEN_OPTIMISERS");
  const Tensor& rates = golden["rates"];
  ScheduleConfig c;
  c.kind = ScheduleKind::cosine;
  c.warmup = 3;
  c.warmup_factor = 0.1;
  for (int64_t it = 0; it < rates.size(0); ++it) CHECK(learning_rate(c, 0.02, rates.size(0), it) == Approx(rates.at(it)).epsilon(1e-12));
  CHECK(rates.at(rates.size(0) - 1) < 0.001);
}

TEST_CASE("schedule: rate, length and warm-up follow the batch", "[schedule]") {
  ScheduleConfig c;
  c.for_batch = 16;
  c.warmup = 500;
  double lr = 0.02;
  int64_t iterations = 90000;
  scale_to_batch(c, lr, iterations, 2);
  CHECK(lr == Approx(0.0025));
  CHECK(iterations == 720000);
  CHECK(c.warmup == 4000);
  scale_to_batch(c, lr, iterations, 7);  // stated for this batch already
  CHECK(iterations == 720000);
}
