#include "ops/norm/batch_norm.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

constexpr double eps = 1e-5;

struct Case {  // x [rows, C] and its parameters
  int64_t C;
  Tensor x, gy, w, b, mean, var;

  Case(const Shape& shape, DType t, double offset = 0) : C(shape[-1]) {
    const DType p = t == DType::f64 ? DType::f64 : DType::f32;  // f32 parameters beside a bf16 map
    x = random_tensor(shape, "x", t, offset, 2);
    gy = random_tensor(shape, "gy", t);
    w = random_tensor({C}, "w", p, 1, 0.5);
    b = random_tensor({C}, "b", p);
    mean = random_tensor({C}, "mean", p);
    var = random_tensor({C}, "var", p, 2, 0.1);
  }
};

struct Expected {
  std::vector<Exact> y, gx, gw, gb;
  std::vector<real> mean, var;  // of the batch, biased
};

// From the formula; `live` takes the statistics from x.
Expected oracle(const Case& k, bool live) {
  const int64_t C = k.C, M = k.x.numel() / C;
  Expected e{std::vector<Exact>(static_cast<size_t>(M * C)), std::vector<Exact>(static_cast<size_t>(M * C)), {}, {}, {}, {}};
  for (int64_t c = 0; c < C; ++c) {
    real mean = 0, var = 0, size = 0;  // size: Σ|terms| of the mean
    for (int64_t i = 0; i < M; ++i) mean += k.x.at(i * C + c) / static_cast<real>(M);
    for (int64_t i = 0; i < M; ++i) var += (k.x.at(i * C + c) - mean) * (k.x.at(i * C + c) - mean) / static_cast<real>(M);
    for (int64_t i = 0; i < M; ++i) size += std::abs(k.x.at(i * C + c)) / static_cast<real>(M);
    e.mean.push_back(mean);
    e.var.push_back(var);
    if (!live) {
      mean = k.mean.at(c);
      size = std::abs(mean);
      var = k.var.at(c);
    }
    const real rstd = 1 / std::sqrt(var + eps), w = k.w.at(c);
    Exact gw, gb;
    for (int64_t i = 0; i < M; ++i) {
      const double x = k.x.at(i * C + c), g = k.gy.at(i * C + c);
      Exact& y = e.y[static_cast<size_t>(i * C + c)];
      y += x * rstd * w;
      y.value -= mean * rstd * w;
      y.terms += size * rstd * std::abs(w);
      y += k.b.at(c);
      gw += g * (x - mean) * rstd;
      gb += g;
    }
    for (int64_t i = 0; i < M; ++i) {
      Exact& gx = e.gx[static_cast<size_t>(i * C + c)];
      gx += w * rstd * k.gy.at(i * C + c);
      if (!live) continue;
      // A sum in it rounds relative to its own terms, x − μ relative to |x| + |μ|.
      const real x = k.x.at(i * C + c), factor = w * rstd / static_cast<real>(M);
      gx.value -= factor * (gb.value + (x - mean) * rstd * gw.value);
      gx.terms += std::abs(factor) * (gb.terms + (std::abs(x) + size) * rstd * gw.terms);
    }
    e.gw.push_back(gw);
    e.gb.push_back(gb);
  }
  return e;
}

Var live(const Case& k, const Var& x, bool training = true) {
  return batch_norm(x, Var(k.w), Var(k.b), k.mean.clone(), k.var.clone(), 0.1, eps, training);
}

}  // namespace

TEST_CASE("batch_norm: worked example with the running statistics", "[batch_norm]") {
  const Tensor mean = Tensor::zeros({1}, DType::f64), var = Tensor::full({1}, 1, DType::f64);
  const Var one(Tensor::full({1}, 2, DType::f64)), half(Tensor::full({1}, 0.5, DType::f64));
  const Tensor y = batch_norm(Var(Tensor::of<double>({4, 1}, {1, 2, 3, 4})), one, half, mean, var, 0.1, 0, true).value();
  const double sd = std::sqrt(1.25);  // of 1, 2, 3, 4 about 2.5
  const double expected[] = {-1.5, -0.5, 0.5, 1.5};
  for (int i = 0; i < 4; ++i) CHECK(y.at(i) == Approx(2 * expected[i] / sd + 0.5).epsilon(1e-14));
  CHECK(mean.at(0) == Approx(0.25).epsilon(1e-14));
  CHECK(var.at(0) == Approx(0.9 + 0.1 * 5 / 3).epsilon(1e-14));  // unbiased: 5/3
}

TEST_CASE("fold_batch_norm: worked example", "[batch_norm]") {
  const Tensor w = Tensor::of<float>({2}, {3, 1}), b = Tensor::of<float>({2}, {1, 0}), mean = Tensor::of<float>({2}, {2, -1}),
               var = Tensor::of<float>({2}, {4, 0.75f});
  Tensor scale, shift;
  fold_batch_norm(w, b, mean, var, 0.25, scale, shift);
  CHECK(scale.dtype() == DType::f32);
  CHECK(scale.at(0) == Approx(3 / std::sqrt(4.25)));
  CHECK(shift.at(0) == Approx(1 - 2 * 3 / std::sqrt(4.25)));
  CHECK(scale.at(1) == 1);
  CHECK(shift.at(1) == 1);
}

TEST_CASE("batch_norm: gradient", "[batch_norm]") {
  const Case k({2, 3, 4, 5}, DType::f64);
  for (const bool training : {true, false}) {
    const auto f = [&](const std::vector<Var>& v) {
      return batch_norm(v[0], v[1], v[2], k.mean.clone(), k.var.clone(), 0.1, eps, training);
    };
    CHECK(gradient_off(f, {k.x, k.w, k.b}) == "");
  }
  CHECK(gradient_off([&](const std::vector<Var>& v) { return frozen_batch_norm(v[0], k.w, k.b, k.mean, k.var, eps); }, {k.x}) == "");
}

TEST_CASE("batch_norm: mean 0 and variance 1, blind to shift and scale of x, frozen is not training", "[batch_norm]") {
  Case k({500, 20}, DType::f64);
  k.w.fill_(1);
  k.b.fill_(0);
  const Tensor y = live(k, Var(k.x)).value();
  for (int64_t c = 0; c < 20; ++c) {
    double mean = 0, square = 0;
    for (int64_t i = 0; i < 500; ++i) {
      mean += y.at(i * 20 + c) / 500;
      square += y.at(i * 20 + c) * y.at(i * 20 + c) / 500;
    }
    CHECK(mean == Approx(0).margin(1e-13));
    CHECK(square == Approx(1).epsilon(1e-4));
  }
  const Tensor moved = k.x.clone();
  for (double& v : moved.values<double>()) v = 3 * v + 8;
  const Tensor again = live(k, Var(moved)).value();
  for (int64_t i = 0; i < y.numel(); ++i) CHECK(again.at(i) == Approx(y.at(i)).epsilon(1e-4).margin(1e-4));
  CHECK(same_bits(live(k, Var(k.x), false).value(), frozen_batch_norm(Var(k.x), k.w, k.b, k.mean, k.var, eps).value()));
}

TEST_CASE("batch_norm: every type against the formula", "[batch_norm]") {
  for (const DType t : float_types) {
    for (const bool training : {true, false}) {
      INFO(name(t) << (training ? " training" : " not training"));
      const Case k({2, 21, 17, 37}, t);
      const Expected e = oracle(k, training);
      const Var x(k.x, true), w(k.w, true), b(k.b, true);
      const Tensor mean = k.mean.clone(), var = k.var.clone();
      const Var y = batch_norm(x, w, b, mean, var, 0.1, eps, training);
      backward(y, k.gy.clone());
      CHECK(off(y.value(), e.y, t == DType::bf16 ? 0.6 : 4) == "");
      CHECK(off(x.grad(), e.gx, t == DType::bf16 ? 0.6 : 4) == "");
      CHECK(off(w.grad(), e.gw) == "");
      CHECK(off(b.grad(), e.gb) == "");
      CHECK(w.grad().dtype() == k.w.dtype());
      const double M = 2 * 21 * 17;
      for (int64_t c = 0; c < k.C; ++c) {
        const size_t i = static_cast<size_t>(c);
        CHECK(mean.at(c) ==
              Approx(training ? 0.9 * k.mean.at(c) + 0.1 * static_cast<double>(e.mean[i]) : k.mean.at(c)).epsilon(1e-6).margin(1e-6));
        CHECK(var.at(c) ==
              Approx(training ? 0.9 * k.var.at(c) + 0.1 * static_cast<double>(e.var[i]) * M / (M - 1) : k.var.at(c)).epsilon(1e-6));
      }
      if (training) continue;
      CHECK(off(frozen_batch_norm(Var(k.x), k.w, k.b, k.mean, k.var, eps).value(), e.y) == "");
      const auto frozen = [&](const Var& v) { return frozen_batch_norm(v, k.w, k.b, k.mean, k.var, eps); };
      CHECK(off(gradient(frozen, k.x, k.gy), e.gx, t == DType::bf16 ? 0.6 : 4) == "");
    }
  }
}

TEST_CASE("batch_norm: a large mean does not drown the variance", "[batch_norm]") {
  const Case k({4000, 3}, DType::f32, 10000);  // E[x²] − E[x]² would leave no digit of it in f32
  const Expected e = oracle(k, true);
  const Tensor mean = k.mean.clone(), var = k.var.clone();
  batch_norm(Var(k.x), Var(k.w), Var(k.b), mean, var, 1, eps, true);
  for (int64_t c = 0; c < 3; ++c) {
    CHECK(mean.at(c) == Approx(static_cast<double>(e.mean[static_cast<size_t>(c)])).epsilon(1e-6));
    CHECK(var.at(c) == Approx(static_cast<double>(e.var[static_cast<size_t>(c)]) * 4000 / 3999).epsilon(1e-4));
  }
}

TEST_CASE("batch_norm: the same bits for any number of threads", "[batch_norm]") {
  const Case k({3, 41, 37, 20}, DType::f32);
  CHECK(same_for_any_threads([&] { return live(k, Var(k.x)).value(); }));
  CHECK(same_for_any_threads([&] { return gradient([&](const Var& v) { return live(k, v); }, k.x, k.gy); }));
}

TEST_CASE("batch_norm: edges and errors", "[batch_norm]") {
  const Case k({6, 3}, DType::f32);
  const Tensor mean = k.mean.clone(), var = k.var.clone();
  const Var empty(Tensor::zeros({0, 7, 7, 3}), true), w(k.w, true), b(k.b, true);
  const Var y = batch_norm(empty, w, b, mean, var, 0.1, eps, true);
  CHECK(y.shape() == Shape{0, 7, 7, 3});
  CHECK(same_bits(mean, k.mean));
  CHECK(same_bits(var, k.var));
  backward(y, Tensor::zeros({0, 7, 7, 3}));
  CHECK(w.grad().at(0) == 0);
  CHECK(b.grad().at(2) == 0);
  CHECK(live(k, Var(Tensor::zeros({1, 3})), false).shape() == Shape{1, 3});  // one position is enough without training

  const auto with = [&](const Tensor& x, const Tensor& weight, const Tensor& running, double momentum, double e) {
    return batch_norm(Var(x), Var(weight), b, running, var, momentum, e, true);
  };
  CHECK_THROWS_WITH(with(Tensor::zeros({1, 1, 1, 3}), k.w, mean, 0.1, eps),
                    Contains("batch_norm: training needs more than one position a channel, got [1, 1, 1, 3]"));
  CHECK_THROWS_WITH(with(Tensor::zeros({3}), k.w, mean, 0.1, eps),
                    Contains("batch_norm: x must be [..., C] with at least two axes, got [3]"));
  CHECK_THROWS_WITH(with(k.x, Tensor::zeros({4}), mean, 0.1, eps),
                    Contains("batch_norm: weight must have shape [3] as x has channels, got [4]"));
  CHECK_THROWS_WITH(with(k.x, k.w, Tensor::zeros({3, 1}), 0.1, eps), Contains("batch_norm: running_mean must have shape [3]"));
  CHECK_THROWS_WITH(with(k.x, k.w, Tensor(), 0.1, eps), Contains("batch_norm: running_mean must have 3 numbers, got none"));
  CHECK_THROWS_WITH(with(k.x, k.w, mean, 1.5, eps), Contains("batch_norm: momentum must be in [0, 1], got 1.5"));
  CHECK_THROWS_WITH(with(k.x, k.w, mean, 0.1, -1), Contains("batch_norm: eps must be 0 or more, got -1"));
  CHECK_THROWS_WITH(with(Tensor::zeros({6, 3}, DType::i32), k.w, mean, 0.1, eps), Contains("batch_norm: x must be floating, got i32"));
  CHECK_THROWS_WITH(frozen_batch_norm(Var(k.x), k.w, k.b, k.mean, Tensor::zeros({2}), eps),
                    Contains("frozen_batch_norm: var must have shape [3]"));
  Tensor scale, shift;
  CHECK_THROWS_WITH(fold_batch_norm(k.w, Tensor::zeros({2}), k.mean, k.var, eps, scale, shift),
                    Contains("fold_batch_norm: bias must have shape [3]"));
}
