#include "ops/norm/group_norm.h"

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

constexpr double eps = 1e-5;

struct Expected {
  std::vector<Exact> y, gx, gw, gb;
};

Expected oracle(const Tensor& x, const Tensor& w, const Tensor& b, int64_t groups, const Tensor& gy) {
  const int64_t N = x.size(0), C = x.size(-1), P = x.numel() / (N * C), D = C / groups;
  const real M = static_cast<real>(P * D);
  Expected e{std::vector<Exact>(static_cast<size_t>(x.numel())), std::vector<Exact>(static_cast<size_t>(x.numel())),
             std::vector<Exact>(static_cast<size_t>(C)), std::vector<Exact>(static_cast<size_t>(C))};
  const auto each = [&](int64_t n, int64_t g, auto f) {
    for (int64_t p = 0; p < P; ++p)
      for (int64_t c = g * D; c < (g + 1) * D; ++c) f((n * P + p) * C + c, c);
  };
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t g = 0; g < groups; ++g) {
      real mean = 0, var = 0;
      each(n, g, [&](int64_t i, int64_t) { mean += x.at(i) / M; });
      each(n, g, [&](int64_t i, int64_t) { var += (x.at(i) - mean) * (x.at(i) - mean) / M; });
      const real rstd = 1 / std::sqrt(var + eps);
      Exact g1, gxhat;
      each(n, g, [&](int64_t i, int64_t c) {
        const real xhat = (x.at(i) - mean) * rstd;
        Exact& y = e.y[static_cast<size_t>(i)];
        y += x.at(i) * rstd * w.at(c);
        y += -mean * rstd * w.at(c);
        y += b.at(c);
        e.gw[static_cast<size_t>(c)] += gy.at(i) * xhat;
        e.gb[static_cast<size_t>(c)] += gy.at(i);
        g1 += w.at(c) * gy.at(i) / M;
        gxhat += w.at(c) * gy.at(i) * xhat / M;
      });
      each(n, g, [&](int64_t i, int64_t c) {
        Exact& gx = e.gx[static_cast<size_t>(i)];
        gx += w.at(c) * gy.at(i) * rstd;
        // A sum in it rounds relative to its own terms, x − μ relative to |x| + |μ|.
        gx.value -= rstd * (g1.value + (x.at(i) - mean) * rstd * gxhat.value);
        gx.terms += rstd * (g1.terms + (std::abs(x.at(i)) + std::abs(mean)) * rstd * gxhat.terms);
      });
    }
  }
  return e;
}

}  // namespace

TEST_CASE("group_norm: worked example", "[group_norm]") {
  // Group 0 holds 1, 3, 5, 7 (mean 4, variance 5); group 1 holds 10, 10, 20, 20 (mean 15, variance 25).
  const Tensor x = Tensor::of<double>({1, 2, 4}, {1, 3, 10, 20, 5, 7, 20, 10});
  const Var w(Tensor::of<double>({4}, {1, 1, 2, 1})), b(Tensor::of<double>({4}, {0, 0, 0, 1}));
  const Tensor y = group_norm(Var(x), w, b, 2, 0).value();
  const double s = std::sqrt(5.0);
  const double expected[] = {-3 / s, -1 / s, -2, 2, 1 / s, 3 / s, 2, 0};
  for (int i = 0; i < 8; ++i) CHECK(y.at(i) == Approx(expected[i]).margin(1e-14));
}

TEST_CASE("group_norm: gradient", "[group_norm]") {
  for (const int groups : {1, 2, 6}) {
    const auto f = [&](const std::vector<Var>& v) { return group_norm(v[0], v[1], v[2], groups, eps); };
    CHECK(gradient_off(f, {random_tensor({2, 3, 2, 6}, "x"), random_tensor({6}, "w"), random_tensor({6}, "b")}) == "");
  }
}

TEST_CASE("group_norm: an image does not see the others, one group of all channels is layer norm", "[group_norm]") {
  const Tensor x = random_tensor({3, 4, 4, 20}, "x", DType::f32);
  const Var w(random_tensor({20}, "w", DType::f32)), b(random_tensor({20}, "b", DType::f32));
  const Tensor all = group_norm(Var(x), w, b, 5, eps).value();
  for (int64_t n = 0; n < 3; ++n) CHECK(same_bits(group_norm(Var(x.slice(n, n + 1)), w, b, 5, eps).value(), all.slice(n, n + 1)));
  const Tensor y = group_norm(Var(x), Var(Tensor::full({20}, 1)), Var(Tensor::zeros({20})), 1, 0).value();
  for (int64_t n = 0; n < 3; ++n) {
    double mean = 0, square = 0;
    for (int64_t i = 0; i < 320; ++i) {
      mean += y.at(n * 320 + i) / 320;
      square += std::pow(y.at(n * 320 + i), 2) / 320;
    }
    CHECK(mean == Approx(0).margin(1e-6));
    CHECK(square == Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("group_norm: every type against the formula", "[group_norm]") {
  for (const DType t : float_types) {
    for (const int groups : {1, 4, 36}) {
      INFO(name(t) << " " << groups << " groups");
      const DType p = t == DType::f64 ? t : DType::f32;
      const Shape shape{2, 20, 19, 36};
      const Tensor xv = random_tensor(shape, "x", t, 3, 2), gy = random_tensor(shape, "gy", t);
      const Var x(xv, true), w(random_tensor({36}, "w", p, 1, 0.5), true), b(random_tensor({36}, "b", p), true);
      const Expected e = oracle(xv, w.value(), b.value(), groups, gy);
      const Var y = group_norm(x, w, b, groups, eps);
      backward(y, gy);
      CHECK(off(y.value(), e.y, t == DType::bf16 ? 0.6 : 4) == "");
      CHECK(off(x.grad(), e.gx, t == DType::bf16 ? 0.6 : 4) == "");
      CHECK(off(w.grad(), e.gw) == "");
      CHECK(off(b.grad(), e.gb) == "");
      CHECK(same_for_any_threads([&] { return group_norm(x, w, b, groups, eps).value(); }));
      CHECK(same_for_any_threads(
          [&] { return gradient([&](const Var& v) { return group_norm(v, w.detach(), b.detach(), groups, eps); }, xv, gy); }));
    }
  }
}

TEST_CASE("group_norm: edges and errors", "[group_norm]") {
  const Var w(Tensor::full({4}, 1), true), b(Tensor::full({4}, 3), true), x(Tensor::zeros({0, 7, 7, 4}), true);
  const Var y = group_norm(x, w, b, 2, eps);
  CHECK(y.shape() == Shape{0, 7, 7, 4});
  backward(y, Tensor::zeros({0, 7, 7, 4}));
  CHECK(w.grad().at(1) == 0);
  CHECK(group_norm(Var(Tensor::full({1, 4}, 9)), w, b, 4, eps).value().at(2) == 3);  // one value a group: x̂ = 0
  CHECK(group_norm(Var(Tensor::zeros({2, 0, 4})), w, b, 2, eps).shape() == Shape{2, 0, 4});
  CHECK_THROWS_WITH(group_norm(Var(Tensor::zeros({4})), w, b, 2, eps), Contains("group_norm: x must be [N, ..., C], got [4]"));
  CHECK_THROWS_WITH(group_norm(Var(Tensor::zeros({2, 4})), w, b, 3, eps),
                    Contains("group_norm: the channels of x [2, 4] must divide into groups, got 3 groups"));
  CHECK_THROWS_WITH(group_norm(Var(Tensor::zeros({2, 4})), w, b, 0, eps), Contains("got 0 groups"));
  CHECK_THROWS_WITH(group_norm(Var(Tensor::zeros({2, 6})), w, b, 2, eps), Contains("group_norm: weight must have shape [6]"));
  CHECK_THROWS_WITH(group_norm(Var(Tensor::zeros({2, 4})), w, b, 2, -1), Contains("eps must be 0 or more, got -1"));
  CHECK_THROWS_WITH(group_norm(Var(Tensor::zeros({2, 4}, DType::i32)), w, b, 2, eps), Contains("x must be floating, got i32"));
}
