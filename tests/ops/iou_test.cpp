#include "ops/boxes/iou.h"

#include "tests/catch.h"
#include "tests/ops/box_golden.h"

using namespace mr;
using Catch::Matchers::Contains;

TEST_CASE("box_iou: overlap, touch, inside, apart, no area", "[iou]") {
  const Tensor a = Tensor::of<float>({2, 4}, {0, 0, 4, 4, 1, 1, 1, 1});
  const Tensor b = Tensor::of<float>({6, 4}, {0, 0, 4, 4, 2, 2, 6, 6, 4, 0, 8, 4, 1, 1, 3, 3, 9, 9, 10, 10, 1, 1, 1, 1});
  const Tensor y = box_iou(a, b);
  REQUIRE(y.shape() == Shape{2, 6});
  const double expected[] = {1, 4.0 / 28, 0, 0.25, 0, 0};
  for (int i = 0; i < 6; ++i) {
    CHECK(y.at(i) == Approx(expected[i]));
    CHECK(y.at(6 + i) == 0);
  }
}

TEST_CASE("box_iou: symmetric, and 1 on itself", "[iou]") {
  const Tensor a = Tensor::empty({20, 4});
  Rng rng(3);
  for (int64_t i = 0; i < 20; ++i) {
    float* b = a.data<float>() + i * 4;
    for (int k = 0; k < 2; ++k) {
      b[k] = rng.uniform() * 50;
      b[k + 2] = b[k] + 1 + rng.uniform() * 50;
    }
  }
  const Tensor y = box_iou(a, a);
  for (int64_t i = 0; i < 20; ++i)
    for (int64_t j = 0; j < 20; ++j) {
      CHECK(y.at(i * 20 + j) == Approx(y.at(j * 20 + i)).epsilon(1e-6));
      CHECK((i == j) == (y.at(i * 20 + j) == 1));
    }
}

TEST_CASE("box_iou: empty sides, and errors", "[iou]") {
  const Tensor none = Tensor::empty({0, 4}), one = Tensor::zeros({1, 4});
  CHECK(box_iou(none, one).shape() == Shape{0, 1});
  CHECK(box_iou(one, none).shape() == Shape{1, 0});
  CHECK_THROWS_WITH(box_iou(Tensor::zeros({4}), one), Contains("box_iou: a must be [N,4] f32, got [4]"));
  CHECK_THROWS_WITH(box_iou(one, Tensor::zeros({1, 5})), Contains("box_iou: b must be [N,4] f32, got [1, 5]"));
  CHECK_THROWS_WITH(box_iou(one, Tensor::zeros({1, 4}, DType::f64)), Contains("f64"));
}
