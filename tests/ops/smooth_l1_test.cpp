#include "ops/loss/smooth_l1.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

real s(real d, real beta) { return std::abs(d) < beta ? d * d / (2 * beta) : std::abs(d) - beta / 2; }
real slope(real d, real beta) { return std::abs(d) < beta ? d / beta : d > 0 ? 1 : d < 0 ? -1 : 0; }

DType result_type(DType t) { return t == DType::f64 ? t : DType::f32; }

}  // namespace

TEST_CASE("smooth_l1: worked examples", "[smooth_l1]") {
  const auto value = [](double d, double beta) {
    return smooth_l1(Var(Tensor::full({1}, d, DType::f64)), Tensor::zeros({1}, DType::f64), beta, 1).value().at(0);
  };
  for (const double sign : {1.0, -1.0}) {
    CHECK(value(sign * 0.05, 1 / 9.) == Approx(0.01125).epsilon(1e-14));
    CHECK(value(sign * 0.5, 1 / 9.) == Approx(0.5 - 1 / 18.).epsilon(1e-14));
    CHECK(value(sign * 0.5, 1) == Approx(0.125).epsilon(1e-14));
    CHECK(value(sign * 0.5, 0) == 0.5);
  }
  CHECK(value(0, 0) == 0);
}

TEST_CASE("class_box_loss: only positive rows, only the columns of their class", "[smooth_l1]") {
  // K = 2 classes and the background: row 0 is background, row 1 of class 2.
  const Tensor x = Tensor::of<float>({2, 12}, {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 1, 2, 3, 4});
  const Tensor labels = Tensor::of<int32_t>({2}, {0, 2}), targets = Tensor::of<float>({2, 4}, {0, 0, 0, 0, 1, 1.5f, 5, 3.5f});
  const Var v(x, true);
  const Var loss = class_box_loss(v, labels, targets, 1, 2);
  CHECK(loss.value().at(0) == (0 + 0.125 + 1.5 + 0.125) / 2);
  backward(loss);
  const double expected[] = {0, 0.25, -0.5, 0.25};
  for (int i = 0; i < 24; ++i) CHECK(v.grad().at(i) == (i < 20 ? 0 : expected[i - 20]));
}

TEST_CASE("smooth_l1 and class_box_loss: gradient", "[smooth_l1]") {
  const Tensor x = random_tensor({6, 4}, "x"), t = random_tensor({6, 4}, "t");
  for (const double beta : {0.0, 1 / 9., 1.0})
    CHECK(gradient_off([&](const std::vector<Var>& v) { return smooth_l1(v[0], t, beta, 3); }, {x}) == "");
  const Tensor labels = Tensor::of<int32_t>({6}, {0, 1, 2, 0, 2, 1});
  CHECK(gradient_off([&](const std::vector<Var>& v) { return class_box_loss(v[0], labels, t, 0.5, 6); },
                     {random_tensor({6, 12}, "deltas")}) == "");
}

TEST_CASE("smooth_l1: even, continuous at β, near L1 for small β, agrees with class_box_loss", "[smooth_l1]") {
  const Tensor x = random_tensor({50, 4}, "x"), t = random_tensor({50, 4}, "t");
  const double there = smooth_l1(Var(x), t, 0.3, 1).value().at(0), back = smooth_l1(Var(t), x, 0.3, 1).value().at(0);
  CHECK(there == back);
  const auto at = [](double d) {
    return smooth_l1(Var(Tensor::full({1}, d, DType::f64)), Tensor::zeros({1}, DType::f64), 0.5, 1).value().at(0);
  };
  CHECK(at(0.5 - 1e-12) == Approx(at(0.5 + 1e-12)).epsilon(1e-10));
  CHECK(smooth_l1(Var(x), t, 1e-9, 1).value().at(0) == Approx(smooth_l1(Var(x), t, 0, 1).value().at(0)).epsilon(1e-6));
  const Tensor deltas = Tensor::full({50, 8}, 77, DType::f64), labels = Tensor::full({50}, 1, DType::i32);
  for (int64_t r = 0; r < 50; ++r)
    for (int64_t j = 0; j < 4; ++j) deltas.data<double>()[r * 8 + 4 + j] = x.at(r * 4 + j);
  CHECK(class_box_loss(Var(deltas), labels, t, 0.3, 1).value().at(0) == there);
}

TEST_CASE("smooth_l1 and class_box_loss: every type against the formula", "[smooth_l1]") {
  for (const DType dtype : float_types) {
    for (const double beta : {0.0, 1 / 9., 1.0}) {
      INFO(name(dtype) << " beta " << beta);
      const int64_t R = 2100, K = 3;
      const Tensor x = random_tensor({R, 4}, "x", dtype), deltas = random_tensor({R, 4 * K}, "deltas", dtype),
                   t = random_tensor({R, 4}, "t", result_type(dtype));
      const Tensor labels = Tensor::empty({R}, DType::i32);
      for (int64_t r = 0; r < R; ++r) labels.data<int32_t>()[r] = static_cast<int32_t>(r % K);
      Exact all, boxes;
      std::vector<Exact> gx, gd(static_cast<size_t>(deltas.numel()));
      for (int64_t i = 0; i < x.numel(); ++i) {
        const int64_t k = i / 4 % K, at = i / 4 * 4 * K + 4 * k + i % 4;
        const auto add = [&](double v, Exact& sum, Exact& g) {
          const real d = static_cast<real>(v) - t.at(i);
          sum.value += s(d, beta) / R;
          sum.terms += (std::abs(v) + std::abs(t.at(i)) + beta) / R;  // the difference rounds relative to its parts
          g.value = slope(d, beta) / R;
          g.terms = (1 + (beta > 0 && std::abs(d) < beta ? (std::abs(v) + std::abs(t.at(i))) / beta : 0)) / R;
        };
        gx.push_back({});
        add(x.at(i), all, gx.back());
        if (k > 0) add(deltas.at(at), boxes, gd[static_cast<size_t>(at)]);
      }
      const Var xs(x, true), ds(deltas, true);
      const Var l = smooth_l1(xs, t, beta, R), b = class_box_loss(ds, labels, t, beta, R);
      CHECK(l.dtype() == result_type(dtype));
      CHECK(off(l.value(), {all}) == "");
      CHECK(off(b.value(), {boxes}) == "");
      backward(l);
      backward(b);
      CHECK(off(xs.grad(), gx) == "");
      CHECK(off(ds.grad(), gd) == "");
      CHECK(same_for_any_threads([&] { return smooth_l1(Var(x), t, beta, R).value(); }));
    }
  }
}

TEST_CASE("smooth_l1 and class_box_loss: edges and errors", "[smooth_l1]") {
  const Var none(Tensor::zeros({0, 12}), true);
  const Var zero = class_box_loss(none, Tensor::zeros({0}, DType::i32), Tensor::zeros({0, 4}), 1, 0);
  CHECK(zero.value().at(0) == 0);
  backward(zero);
  CHECK(none.grad().shape() == Shape{0, 12});
  CHECK(smooth_l1(Var(Tensor::zeros({0, 4})), Tensor::zeros({0, 4}), 1, 0).value().at(0) == 0);
  CHECK(std::isnan(smooth_l1(Var(Tensor::full({1}, std::nan(""))), Tensor::zeros({1}), 1, 1).value().at(0)));
  const Var kink(Tensor::zeros({1}), true);
  backward(smooth_l1(kink, Tensor::zeros({1}), 0, 1));
  CHECK(kink.grad().at(0) == 0);

  const Var x(Tensor::zeros({2, 12}));
  const Tensor k = Tensor::zeros({2}, DType::i32), t = Tensor::zeros({2, 4});
  CHECK_THROWS_WITH(smooth_l1(x, t, 1, 1), Contains("smooth_l1: target must have shape [2, 12], got [2, 4]"));
  CHECK_THROWS_WITH(smooth_l1(Var(t), t, -1, 1), Contains("smooth_l1: beta must be 0 or more, got -1"));
  CHECK_THROWS_WITH(smooth_l1(Var(t), t, 1, 0), Contains("smooth_l1: divisor must be positive, got 0"));
  CHECK_THROWS_WITH(class_box_loss(Var(Tensor::zeros({2, 6})), k, t, 1, 1),
                    Contains("class_box_loss: deltas must be [R,4(K+1)], got [2, 6]"));
  CHECK_THROWS_WITH(class_box_loss(x, Tensor::of<int32_t>({2}, {0, 3}), t, 1, 1),
                    Contains("class_box_loss: label 1 must be in [0, 3), got 3"));
  CHECK_THROWS_WITH(class_box_loss(x, k, Tensor::zeros({2, 5}), 1, 1),
                    Contains("class_box_loss: targets must have shape [2, 4], got [2, 5]"));
  CHECK_THROWS_WITH(class_box_loss(x, Tensor(), t, 1, 1), Contains("class_box_loss: labels must be i32 [2], got none"));
}
