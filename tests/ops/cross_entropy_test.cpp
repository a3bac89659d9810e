#include "ops/loss/cross_entropy.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

Tensor random_labels(int64_t rows, uint64_t classes) {
  const Tensor k = Tensor::empty({rows}, DType::i32);
  Rng rng(5, "labels");
  for (int32_t& v : k.values<int32_t>()) v = static_cast<int32_t>(rng.below(classes));
  return k;
}

}  // namespace

TEST_CASE("softmax and its cross entropy: worked example", "[cross_entropy]") {
  const Tensor z = Tensor::of<double>({2, 3}, {0, std::log(2.0), std::log(5.0), 4, 4, 4});
  const Tensor p = softmax(z);
  const double expected[] = {1 / 8., 2 / 8., 5 / 8., 1 / 3., 1 / 3., 1 / 3.};
  for (int i = 0; i < 6; ++i) CHECK(p.at(i) == Approx(expected[i]).epsilon(1e-14));
  const Var x(z, true);
  const Var loss = softmax_cross_entropy(x, Tensor::of<int32_t>({2}, {1, 0}), 2);
  CHECK(loss.value().at(0) == Approx((std::log(4.0) + std::log(3.0)) / 2).epsilon(1e-14));
  backward(loss);
  const double expected_g[] = {1 / 16., -6 / 16., 5 / 16., -1 / 3., 1 / 6., 1 / 6.};
  for (int i = 0; i < 6; ++i) CHECK(x.grad().at(i) == Approx(expected_g[i]).epsilon(1e-14));
}

TEST_CASE("softmax_cross_entropy without a background: labels from 1, the same loss and gradient", "[cross_entropy]") {
  const Tensor z = random_tensor({3, 4}, "labels from 1");
  const Var a(z, true), b(z, true);
  const Var from_0 = softmax_cross_entropy(a, Tensor::of<int32_t>({3}, {0, 3, 1}), 3);
  const Var from_1 = softmax_cross_entropy(b, Tensor::of<int32_t>({3}, {1, 4, 2}), 3, 1);
  CHECK(from_1.value().at(0) == from_0.value().at(0));
  backward(from_0);
  backward(from_1);
  for (int64_t i = 0; i < 12; ++i) CHECK(b.grad().at(i) == a.grad().at(i));
  CHECK_THROWS_WITH(softmax_cross_entropy(a, Tensor::of<int32_t>({3}, {1, 4, 0}), 3, 1), Contains("label 2 must be in [1, 5), got 0"));
  CHECK_THROWS_WITH(softmax_cross_entropy(a, Tensor::of<int32_t>({3}, {1, 5, 2}), 3, 1), Contains("label 1 must be in [1, 5), got 5"));
}

TEST_CASE("softmax_cross_entropy: gradient", "[cross_entropy]") {
  const Tensor k = random_labels(6, 5);
  CHECK(gradient_off([&](const std::vector<Var>& v) { return softmax_cross_entropy(v[0], k, 3); },
                     {random_tensor({6, 5}, "z", DType::f64, 0, 3)}) == "");
}

TEST_CASE("softmax: rows sum to 1, adding a number to a row changes nothing, huge logits are fine", "[cross_entropy]") {
  const Tensor z = random_tensor({20, 81}, "z", DType::f32, 0, 5), p = softmax(z);
  for (int64_t r = 0; r < 20; ++r) {
    double sum = 0;
    for (int64_t k = 0; k < 81; ++k) sum += p.at(r * 81 + k);
    CHECK(sum == Approx(1).epsilon(1e-6));
  }
  const Tensor shifted = random_tensor({20, 81}, "z", DType::f64, 0, 5), base = softmax(shifted);
  for (double& v : shifted.values<double>()) v += 1e4;
  const Tensor moved = softmax(shifted);
  for (int64_t i = 0; i < base.numel(); ++i) CHECK(moved.at(i) == Approx(base.at(i)).epsilon(1e-10));
  const Tensor huge = Tensor::of<float>({1, 2}, {1e30f, 0});
  CHECK(softmax(huge).at(0) == 1);
  CHECK(softmax_cross_entropy(Var(huge), Tensor::of<int32_t>({1}, {1}), 1).value().at(0) == 1e30f);
  const Tensor small = Tensor::of<float>({1, 2}, {30, 0});  // −log p of p = 1 − e^−30
  CHECK(softmax_cross_entropy(Var(small), Tensor::of<int32_t>({1}, {1}), 1).value().at(0) == Approx(30));
}

TEST_CASE("softmax and cross entropy: every type against the formula", "[cross_entropy]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const int64_t R = 600, K = 9;
    const Tensor z = random_tensor({R, K}, "z", t, 0, 2), labels = random_labels(R, K);
    Exact loss;
    std::vector<Exact> p, gz;
    for (int64_t r = 0; r < R; ++r) {
      real sum = 0, top = -1e30;
      for (int64_t k = 0; k < K; ++k) sum += std::exp(static_cast<real>(z.at(r * K + k)));
      for (int64_t k = 0; k < K; ++k) top = std::max<real>(top, z.at(r * K + k));
      const int32_t label = labels.data<int32_t>()[r];
      loss.value += (std::log(sum) - z.at(r * K + label)) / R;
      loss.terms += (std::log(sum * std::exp(-top)) + std::abs(top - z.at(r * K + label)) + 1) / R;
      for (int64_t k = 0; k < K; ++k) {
        const real v = std::exp(static_cast<real>(z.at(r * K + k))) / sum;
        p.push_back({v, v * (1 + std::abs(z.at(r * K + k) - top))});  // e^d has |d| ulps of d's own rounding
        gz.push_back({(v - (k == label)) / R, (p.back().terms + (k == label)) / R});
      }
    }
    CHECK(softmax(z).dtype() == (t == DType::f64 ? t : DType::f32));
    CHECK(off(softmax(z), p) == "");
    const Var x(z, true);
    const Var l = softmax_cross_entropy(x, labels, R);
    CHECK(l.dtype() == (t == DType::f64 ? t : DType::f32));
    CHECK(off(l.value(), {loss}) == "");
    backward(l);
    CHECK(off(x.grad(), gz) == "");
    CHECK(same_for_any_threads([&] { return softmax_cross_entropy(Var(z), labels, R).value(); }));
  }
}

TEST_CASE("softmax and cross entropy: edges and errors", "[cross_entropy]") {
  const Var none(Tensor::zeros({0, 9}), true);
  const Var zero = softmax_cross_entropy(none, Tensor::zeros({0}, DType::i32), 0);
  CHECK(zero.value().at(0) == 0);
  backward(zero);
  CHECK(none.grad().shape() == Shape{0, 9});
  CHECK(softmax(Tensor::zeros({0, 9})).shape() == Shape{0, 9});
  CHECK(softmax(Tensor::full({2, 3, 1}, 7)).at(5) == 1);  // one class
  CHECK(softmax_cross_entropy(Var(Tensor::full({1, 1}, 7)), Tensor::zeros({1}, DType::i32), 1).value().at(0) == 0);
  CHECK(std::isnan(
      softmax_cross_entropy(Var(Tensor::of<float>({1, 2}, {0, std::nanf("")})), Tensor::zeros({1}, DType::i32), 1).value().at(0)));

  const Var z(Tensor::zeros({2, 3}));
  const Tensor k = Tensor::zeros({2}, DType::i32);
  CHECK_THROWS_WITH(softmax(Tensor::zeros({2, 0})), Contains("softmax: logits must be [..., K] with K > 0, got [2, 0]"));
  CHECK_THROWS_WITH(softmax(Tensor::zeros({2, 2}, DType::i32)), Contains("expected a floating type"));
  CHECK_THROWS_WITH(softmax_cross_entropy(Var(Tensor::zeros({3})), k, 1),
                    Contains("softmax_cross_entropy: logits must be [R,K+1], got [3]"));
  CHECK_THROWS_WITH(softmax_cross_entropy(z, Tensor::of<int32_t>({2}, {0, 3}), 1), Contains("label 1 must be in [0, 3), got 3"));
  CHECK_THROWS_WITH(softmax_cross_entropy(z, Tensor::zeros({2}), 1), Contains("labels must be i32 [2], got f32 [2]"));
  CHECK_THROWS_WITH(softmax_cross_entropy(z, k, -1), Contains("divisor must be positive, got -1"));
}

TEST_CASE("softmax_mask_loss: two pixels of a person, by hand", "[cross_entropy]") {
  // classes: background, cat, person; the first pixel is inside the mask
  const Var z(Tensor::of<double>({1, 1, 2, 3}, {0, 0, std::log(2.0), 0, std::log(6.0), 0}), true);
  const Var loss = softmax_mask_loss(z, Tensor::of<int32_t>({1}, {2}), Tensor::of<double>({1, 1, 2}, {1, 0}));
  CHECK(loss.value().at(0) == Approx((std::log(2.0) + std::log(8.0)) / 2).epsilon(1e-14));
  backward(loss);
  // (softmax − onehot)/2: the cat's mask is pushed down although no cat is there
  const double expected[] = {0.125, 0.125, -0.25, -0.4375, 0.375, 0.0625};
  for (int i = 0; i < 6; ++i) CHECK(z.grad().at(i) == Approx(expected[i]).margin(1e-15));
}

TEST_CASE("softmax_mask_loss: gradient, none, errors", "[cross_entropy]") {
  const Tensor k = Tensor::of<int32_t>({2}, {1, 3}), t = random_tensor({2, 3, 3}, "t", DType::f64, 0.5, 0.3);
  CHECK(gradient_off([&](const std::vector<Var>& v) { return softmax_mask_loss(v[0], k, t); },
                     {random_tensor({2, 3, 3, 4}, "z", DType::f64, 0, 2)}) == "");
  CHECK(softmax_mask_loss(Var(Tensor::empty({0, 3, 3, 4})), Tensor::empty({0}, DType::i32), Tensor::empty({0, 3, 3})).value().at(0) == 0);
  const Var z(Tensor::zeros({2, 3, 3, 4}));
  CHECK_THROWS_WITH(softmax_mask_loss(z, Tensor::of<int32_t>({2}, {0, 1}), Tensor::zeros({2, 3, 3})),
                    Contains("label 0 must not be the background's"));
  CHECK_THROWS_WITH(softmax_mask_loss(z, k, Tensor::zeros({2, 3})), Contains("softmax_mask_loss: targets must have shape"));
  CHECK_THROWS_WITH(softmax_mask_loss(Var(Tensor::zeros({2, 4})), k, t), Contains("logits must be [R,m,m,K+1]"));
}
