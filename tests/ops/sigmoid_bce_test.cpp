#include "ops/loss/sigmoid_bce.h"

#include <limits>

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

Tensor uniform_tensor(const Shape& shape, std::string_view purpose, DType t) {
  const Tensor u = Tensor::empty(shape, DType::f64);
  Rng rng(4, purpose);
  for (double& v : u.values<double>()) v = rng.uniform(0, 1);
  return u.to(t);
}

// −t log p − (1−t) log(1−p), p = σ(z), in f64 and for moderate z only: as it is defined, not as it is computed.
real bce(real z, real t) { return t * std::log(1 + std::exp(-z)) + (1 - t) * std::log(1 + std::exp(z)); }
real bce_gradient(real z, real t) { return 1 / (1 + std::exp(-z)) - t; }
real terms(real z, real t) { return std::abs(z) + std::abs(z * t) + 1; }  // of the stable form

DType result_type(DType t) { return t == DType::f64 ? t : DType::f32; }

}  // namespace

TEST_CASE("sigmoid_bce: worked examples", "[sigmoid_bce]") {
  const auto loss = [](double z, double t) {
    return sigmoid_bce(Var(Tensor::full({1}, z, DType::f64)), Tensor::full({1}, t, DType::f64), {}, 1).value().at(0);
  };
  CHECK(loss(0, 1) == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(loss(0, 0) == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(loss(std::log(3.0), 1) == Approx(std::log(4.0 / 3)).epsilon(1e-14));  // p = ¾
  CHECK(loss(1000, 0) == 1000);                                               // −log(1 − p) with p = 1 − e^−1000
  CHECK(loss(-1000, 1) == 1000);
  CHECK(loss(1000, 1) == 0);
  CHECK(loss(-40, 0) == Approx(std::exp(-40.0)).epsilon(1e-14));
}

TEST_CASE("mask_loss: only the channel of the object's class counts", "[sigmoid_bce]") {
  // Channels cat, dog, person; the RoI is a person.
  const Tensor label = Tensor::of<int32_t>({1}, {2}), target = Tensor::of<float>({1, 1, 2}, {1, 0});
  const Tensor z = Tensor::of<float>({1, 1, 2, 3}, {5, -7, 0, 9, 3, 1});
  const Var logits(z, true);
  const Var loss = mask_loss(logits, label, target);
  CHECK(loss.value().at(0) == Approx((std::log(2.0) + std::log(1 + std::exp(1.0))) / 2));
  backward(loss);
  const double p = 1 / (1 + std::exp(-1.0)), expected[] = {0, 0, -0.5 / 2, 0, 0, p / 2};
  for (int i = 0; i < 6; ++i) CHECK(logits.grad().at(i) == Approx(expected[i]));
  Tensor other = z.clone();
  for (const int64_t i : {0, 1, 3, 4}) other.data<float>()[i] = 1000;  // whatever the cat's and the dog's logits
  CHECK(same_bits(mask_loss(Var(other), label, target).value(), loss.value()));
}

TEST_CASE("sigmoid_bce and mask_loss: gradient", "[sigmoid_bce]") {
  const Tensor z = random_tensor({3, 4, 4, 5}, "z", DType::f64, 0, 3), t = uniform_tensor({3, 4, 4, 5}, "t", DType::f64),
               w = uniform_tensor({3, 4, 4, 5}, "w", DType::f64);
  CHECK(gradient_off([&](const std::vector<Var>& v) { return sigmoid_bce(v[0], t, w, 7); }, {z}) == "");
  CHECK(gradient_off([&](const std::vector<Var>& v) { return sigmoid_bce(v[0], t, {}, 7); }, {z}) == "");
  const Tensor labels = Tensor::of<int32_t>({3}, {4, 0, 2}), masks = uniform_tensor({3, 4, 4}, "masks", DType::f64);
  CHECK(gradient_off([&](const std::vector<Var>& v) { return mask_loss(v[0], labels, masks); }, {z}) == "");
}

TEST_CASE("sigmoid_bce: weights, the divisor, and the symmetry of the classes", "[sigmoid_bce]") {
  const Tensor z = random_tensor({1000}, "z"), t = uniform_tensor({1000}, "t", DType::f64);
  const double loss = sigmoid_bce(Var(z), t, {}, 1000).value().at(0);
  CHECK(sigmoid_bce(Var(z), t, Tensor::full({1000}, 1, DType::f64), 500).value().at(0) == Approx(2 * loss).epsilon(1e-14));
  CHECK(sigmoid_bce(Var(z), t, Tensor::full({1000}, 0.25, DType::f64), 1000).value().at(0) == Approx(loss / 4).epsilon(1e-14));
  const Tensor minus = z.clone(), rest = Tensor::full({1000}, 1, DType::f64);
  minus.scale_(-1);
  for (int64_t i = 0; i < 1000; ++i) rest.data<double>()[i] -= t.at(i);
  CHECK(sigmoid_bce(Var(minus), rest, {}, 1000).value().at(0) == Approx(loss).epsilon(1e-13));
  const Tensor bad = Tensor::of<float>({2}, {std::nanf(""), 0});  // an anchor that is not sampled may hold anything
  const Var x(bad, true);
  const Var l = sigmoid_bce(x, Tensor::zeros({2}), Tensor::of<float>({2}, {0, 1}), 1);
  CHECK(l.value().at(0) == Approx(std::log(2.0)));
  backward(l);
  CHECK(x.grad().at(0) == 0);
  CHECK(x.grad().at(1) == 0.5);
}

TEST_CASE("sigmoid_bce: every type against the definition", "[sigmoid_bce]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const Tensor z = random_tensor({9001}, "z", t, 0, 3), target = uniform_tensor({9001}, "t", result_type(t)),
                 w = uniform_tensor({9001}, "w", result_type(t));
    Exact loss;
    std::vector<Exact> gz;
    for (int64_t i = 0; i < z.numel(); ++i) {
      loss.value += w.at(i) * bce(z.at(i), target.at(i)) / 300;
      loss.terms += w.at(i) * terms(z.at(i), target.at(i)) / 300;
      gz.push_back({2 * w.at(i) * bce_gradient(z.at(i), target.at(i)) / 300, 2 * w.at(i) * (1 + target.at(i)) / 300});
    }
    const Var x(z, true);
    const Var l = sigmoid_bce(x, target, w, 300);
    CHECK(l.dtype() == result_type(t));
    CHECK(off(l.value(), {loss}) == "");
    backward(l, Tensor::full({1}, 2, l.dtype()));
    CHECK(x.grad().dtype() == t);
    CHECK(off(x.grad(), gz) == "");
    CHECK(same_for_any_threads([&] { return sigmoid_bce(Var(z), target, w, 300).value(); }));
  }
}

TEST_CASE("mask_loss: every type against the definition", "[sigmoid_bce]") {
  for (const DType t : float_types) {
    INFO(name(t));
    const int64_t R = 6, m = 14, K = 3;
    const Tensor z = random_tensor({R, m, m, K}, "z", t, 0, 3), target = uniform_tensor({R, m, m}, "t", result_type(t));
    const std::vector<int32_t> k = {0, 2, 1, 1, 0, 2};
    Exact loss;
    std::vector<Exact> gz(static_cast<size_t>(z.numel()));
    for (int64_t r = 0; r < R; ++r)
      for (int64_t p = 0; p < m * m; ++p) {
        const int64_t at = (r * m * m + p) * K + k[static_cast<size_t>(r)];
        const double v = target.at(r * m * m + p), n = static_cast<double>(R * m * m);
        loss.value += bce(z.at(at), v) / n;
        loss.terms += terms(z.at(at), v) / n;
        gz[static_cast<size_t>(at)] = {bce_gradient(z.at(at), v) / n, (1 + v) / n};
      }
    const Var x(z, true);
    const Var l = mask_loss(x, Tensor::of<int32_t>({R}, k), target);
    CHECK(off(l.value(), {loss}) == "");
    backward(l);
    CHECK(off(x.grad(), gz) == "");
  }
}

TEST_CASE("sigmoid_bce and mask_loss: edges and errors", "[sigmoid_bce]") {
  const Var none(Tensor::zeros({0, 28, 28, 3}), true);
  const Var zero = mask_loss(none, Tensor::zeros({0}, DType::i32), Tensor::zeros({0, 28, 28}));
  CHECK(zero.shape() == Shape{1});
  CHECK(zero.value().at(0) == 0);
  backward(zero);
  CHECK(none.grad().shape() == Shape{0, 28, 28, 3});
  CHECK(sigmoid_bce(Var(Tensor::zeros({0})), Tensor::zeros({0}), {}, 0).value().at(0) == 0);
  CHECK(std::isnan(sigmoid_bce(Var(Tensor::full({1}, std::nan(""))), Tensor::zeros({1}), {}, 1).value().at(0)));

  const Var z(Tensor::zeros({2, 4, 4, 3}));
  const Tensor t = Tensor::zeros({2, 4, 4}), k = Tensor::zeros({2}, DType::i32);
  CHECK_THROWS_WITH(sigmoid_bce(z, t, {}, 1), Contains("sigmoid_bce: targets must have shape [2, 4, 4, 3], got [2, 4, 4]"));
  CHECK_THROWS_WITH(sigmoid_bce(z, z.value(), Tensor::zeros({2}), 1),
                    Contains("sigmoid_bce: weights must have shape [2, 4, 4, 3], got [2]"));
  CHECK_THROWS_WITH(sigmoid_bce(z, z.value(), {}, 0), Contains("sigmoid_bce: divisor must be positive, got 0"));
  CHECK_THROWS_WITH(sigmoid_bce(z, Tensor(), {}, 1), Contains("got none"));
  CHECK_THROWS_WITH(sigmoid_bce(z, Tensor::zeros({2, 4, 4, 3}, DType::u8), {}, 1), Contains("targets must be floating, got u8"));
  CHECK_THROWS_WITH(mask_loss(Var(t), k, t), Contains("mask_loss: logits must be [R,m,m,K], got [2, 4, 4]"));
  CHECK_THROWS_WITH(mask_loss(z, k, Tensor::zeros({2, 4, 5})), Contains("mask_loss: targets must have shape [2, 4, 4], got [2, 4, 5]"));
  CHECK_THROWS_WITH(mask_loss(z, Tensor::of<int32_t>({2}, {0, 3}), t), Contains("mask_loss: label 1 must be in [0, 3), got 3"));
  CHECK_THROWS_WITH(mask_loss(z, Tensor::of<int32_t>({2}, {-1, 0}), t), Contains("mask_loss: label 0 must be in [0, 3), got -1"));
  CHECK_THROWS_WITH(mask_loss(z, Tensor::zeros({3}, DType::i32), t), Contains("mask_loss: labels must be i32 [2], got i32 [3]"));
  CHECK_THROWS_WITH(mask_loss(z, Tensor::zeros({2}, DType::i64), t), Contains("got i64 [2]"));
}
