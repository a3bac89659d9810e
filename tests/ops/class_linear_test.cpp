#include "ops/gemm/class_linear.h"

#include "autograd/gradcheck.h"
#include "tests/catch.h"
#include "tests/ops/conv_oracle.h"

using namespace mr;
using Catch::Matchers::Contains;

TEST_CASE("class_linear: worked by hand, value and gradients", "[class_linear]") {
  // two RoIs of two pixels and two channels; RoI 0 is of class 2, RoI 1 of class 0
  const Var x(Tensor::of<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), true);
  const Var w(Tensor::of<float>({3, 2}, {1, -1, 100, 100, 2, 1}), true), b(Tensor::of<float>({3}, {0.5f, 100, 3}), true);
  const Var y = class_linear(x, w, b, Tensor::of<int32_t>({2}, {2, 0}));
  CHECK(oracle::same_bits(y.value(), Tensor::of<float>({2, 2}, {7, 13, -0.5f, -0.5f})));
  backward(y, Tensor::of<float>({2, 2}, {1, 2, 3, -1}));
  CHECK(oracle::same_bits(x.grad(), Tensor::of<float>({2, 2, 2}, {2, 1, 4, 2, 3, -3, -1, 1})));
  CHECK(oracle::same_bits(w.grad(), Tensor::of<float>({3, 2}, {8, 10, 0, 0, 7, 10})));  // 3·(5,6) − (7,8); none; (1,2) + 2·(3,4)
  CHECK(oracle::same_bits(b.grad(), Tensor::of<float>({3}, {2, 0, 3})));
}

TEST_CASE("class_linear: the dense product's column, with its gradients", "[class_linear]") {
  constexpr int64_t R = 7, P = 9, C = 37, K = 4;                          // 37: no vector divides it
  const Tensor labels = Tensor::of<int32_t>({R}, {3, 0, 0, 2, 3, 3, 0});  // class 1 has no RoI
  for (const DType type : {DType::f64, DType::f32, DType::bf16}) {
    const DType sums = type == DType::f64 ? DType::f64 : DType::f32;
    const Var x(oracle::random({R, P, C}, 1, type), true), w(oracle::random({K, C}, 2, sums), true), b(oracle::random({K}, 3, sums), true);
    const Tensor gy = oracle::random({R, P}, 4, type);
    const Var y = class_linear(x, w, b, labels);
    backward(y, gy.clone());
    oracle::Sums want({R, P}), gx({R, P, C}), gw({K, C}), gb({K});
    for (int64_t r = 0; r < R; ++r)
      for (int64_t p = 0; p < P; ++p) {
        const auto k = static_cast<int64_t>(labels.at(r));
        const double g = gy.at(r * P + p);
        want.add(r * P + p, b.value().at(k));
        gb.add(k, g);
        for (int64_t c = 0; c < C; ++c) {
          const int64_t at = (r * P + p) * C + c;
          want.add(r * P + p, x.value().at(at) * w.value().at(k * C + c));
          gx.add(at, g * w.value().at(k * C + c));
          gw.add(k * C + c, g * x.value().at(at));
        }
      }
    INFO(static_cast<int>(type));
    CHECK(oracle::worst(y.value(), want, oracle::eps(type)) <= 4);
    CHECK(oracle::worst(x.grad(), gx, oracle::eps(type)) <= 1);
    CHECK(oracle::worst(w.grad(), gw, oracle::eps(sums)) <= 4);
    CHECK(oracle::worst(b.grad(), gb, oracle::eps(sums)) <= 4);
    for (int64_t c = 0; c < C; ++c) CHECK(w.grad().at(C + c) == 0);
  }
}

TEST_CASE("class_linear: gradcheck, errors", "[class_linear]") {
  const Tensor labels = Tensor::of<int32_t>({2}, {1, 0});
  const GradcheckResult r = gradcheck([&](const std::vector<Var>& v) { return class_linear(v[0], v[1], v[2], labels); },
                                      {oracle::random({2, 3, 5}, 1), oracle::random({2, 5}, 2), oracle::random({2}, 3)});
  INFO(r.message);
  CHECK(r.ok);
  const Var x(Tensor::zeros({2, 3, 5})), w(Tensor::zeros({2, 5})), b(Tensor::zeros({2}));
  CHECK_THROWS_WITH(class_linear(x, w, b, Tensor::of<int32_t>({2}, {0, 2})), Contains("labels must be in [0,2), got 2"));
  CHECK_THROWS_WITH(class_linear(x, Var(Tensor::zeros({2, 4})), b, labels), Contains("w must be [K,5], got [2, 4]"));
  CHECK_THROWS_WITH(class_linear(x, w, Var(Tensor::zeros({3})), labels), Contains("b must be [2], got [3]"));
}
