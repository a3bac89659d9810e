#include "ops/loss/class_masks.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/ops/oracle.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("class_masks: worked example", "[class_masks]") {
  const Tensor z = Tensor::of<float>({1, 1, 1, 3}, {0, static_cast<float>(std::log(2.0)), static_cast<float>(std::log(3.0))});
  const auto mask = [&](int32_t k, SoftmaxRule rule) { return class_masks(z, Tensor::of<int32_t>({1}, {k}), rule).at(0); };
  CHECK(mask(2, SoftmaxRule::probability) == Approx(0.5));
  CHECK(mask(2, SoftmaxRule::largest) == 1);
  CHECK(mask(2, SoftmaxRule::foreground) == Approx(0.75));
  CHECK(mask(1, SoftmaxRule::probability) == Approx(1.0 / 3));
  CHECK(mask(1, SoftmaxRule::largest) == 0);
  CHECK(mask(1, SoftmaxRule::foreground) == Approx(2.0 / 3));
}

TEST_CASE("class_masks: is the softmax's own column, by each rule", "[class_masks]") {
  const int64_t R = 3, m = 4, K = 6;
  const Tensor labels = Tensor::of<int32_t>({R}, {1, 5, 3});
  for (const DType t : float_types) {
    const Tensor z = random_tensor({R, m, m, K}, "z", t, 0, 3);
    const Tensor probability = class_masks(z, labels, SoftmaxRule::probability), largest = class_masks(z, labels, SoftmaxRule::largest),
                 foreground = class_masks(z, labels, SoftmaxRule::foreground);
    CHECK(probability.shape() == Shape{R, m, m});
    for (int64_t i = 0; i < R * m * m; ++i) {
      double sum = 0, top = -1e9;
      const auto at = [&](int64_t k) { return z.at(i * K + k); };
      for (int64_t k = 0; k < K; ++k) {
        sum += std::exp(at(k));
        top = std::max(top, at(k));
      }
      const int64_t k = labels.data<int32_t>()[i / (m * m)];
      CHECK(probability.at(i) == Approx(std::exp(at(k)) / sum).epsilon(1e-5));
      CHECK(foreground.at(i) == Approx(std::exp(at(k)) / (std::exp(at(k)) + std::exp(at(0)))).epsilon(1e-5));
      CHECK(largest.at(i) == (at(k) == top ? 1 : 0));
    }
  }
}

TEST_CASE("class_masks: the first of equal classes is the largest, and logits of any size are taken", "[class_masks]") {
  const Tensor equal = Tensor::zeros({1, 1, 1, 3});
  CHECK(class_masks(equal, Tensor::of<int32_t>({1}, {1}), SoftmaxRule::largest).at(0) == 0);  // the background is before it
  const Tensor wide = Tensor::of<float>({1, 1, 1, 3}, {-1000, 1000, 1000});
  CHECK(class_masks(wide, Tensor::of<int32_t>({1}, {1}), SoftmaxRule::largest).at(0) == 1);
  CHECK(class_masks(wide, Tensor::of<int32_t>({1}, {2}), SoftmaxRule::largest).at(0) == 0);
  CHECK(class_masks(wide, Tensor::of<int32_t>({1}, {2}), SoftmaxRule::probability).at(0) == Approx(0.5));
  CHECK(class_masks(wide, Tensor::of<int32_t>({1}, {2}), SoftmaxRule::foreground).at(0) == 1);
  const Tensor far = Tensor::of<float>({1, 1, 1, 3}, {1000, -1000, 0});
  CHECK(class_masks(far, Tensor::of<int32_t>({1}, {1}), SoftmaxRule::probability).at(0) == 0);
  CHECK(class_masks(far, Tensor::of<int32_t>({1}, {1}), SoftmaxRule::foreground).at(0) == 0);
}

TEST_CASE("class_masks: edges and errors", "[class_masks]") {
  const auto rule = SoftmaxRule::probability;
  CHECK(class_masks(Tensor::zeros({0, 4, 4, 3}), Tensor::empty({0}, DType::i32), rule).shape() == Shape{0, 4, 4});
  CHECK_THROWS_WITH(class_masks(Tensor::zeros({4, 4, 3}), Tensor::of<int32_t>({4}, {1, 1, 1, 1}), rule),
                    Contains("class_masks: logits must be [R,m,m,K+1] and floating, got [4, 4, 3] f32"));
  CHECK_THROWS_WITH(class_masks(Tensor::zeros({1, 4, 4, 3}), Tensor::of<int32_t>({1}, {0}), rule),
                    Contains("class_masks: label 0 must be in [1, 3), got 0"));
  CHECK_THROWS_WITH(class_masks(Tensor::zeros({1, 4, 4, 3}), Tensor::of<int32_t>({1}, {3}), rule), Contains("must be in [1, 3), got 3"));
}
