#include "ops/boxes/levels.h"

#include "tests/catch.h"
#include "tests/ops/box_golden.h"

using namespace mr;
using Catch::Matchers::Contains;

TEST_CASE("assign_levels: sides 16 … 900 to P2 … P5", "[levels]") {
  const std::vector<std::pair<float, int>> expected = {{16, 2}, {56, 2}, {112, 3}, {223.9f, 3}, {224, 4}, {448, 5}, {900, 5}};
  for (const auto& [side, level] : expected) {
    INFO("side " << side);
    CHECK(assign_levels(Tensor::of<float>({1, 4}, {10, 20, 10 + side, 20 + side}), 2, 5).at(0) == level - 2);
    CHECK(assign_levels(Tensor::of<float>({1, 5}, {7, 10, 20, 10 + side, 20 + side}), 2, 5).at(0) == level - 2);
  }
  CHECK(assign_levels(Tensor::of<float>({1, 4}, {0, 0, 56, 224}), 2, 5).at(0) == 1);  // √(56·224) = 112
  CHECK(assign_levels(Tensor::of<float>({1, 4}, {0, 0, 1000, 1000}), 3, 6, 4, 224).at(0) == 3);
}

TEST_CASE("assign_levels: as torchvision's", "[levels]") {
  const Tensor k = assign_levels(box_golden()["levels.boxes"], 2, 5), expected = box_golden()["levels.k"];
  REQUIRE(k.dtype() == DType::i32);
  for (int64_t i = 0; i < k.numel(); ++i) CHECK(k.at(i) == expected.at(i));
}

TEST_CASE("assign_levels: boxes without area go to the finest level, none, errors", "[levels]") {
  CHECK(assign_levels(Tensor::of<float>({2, 4}, {5, 5, 5, 9, 9, 9, 3, 12}), 2, 5).at(0) == 0);
  CHECK(assign_levels(Tensor::of<float>({2, 4}, {5, 5, 5, 9, 9, 9, 3, 12}), 2, 5).at(1) == 0);
  CHECK(assign_levels(Tensor::empty({0, 5}), 2, 5).shape() == Shape{0});
  CHECK_THROWS_WITH(assign_levels(Tensor::zeros({2, 3}), 2, 5), Contains("assign_levels: rois must be [R,4] or [R,5] f32, got [2, 3]"));
  CHECK_THROWS_WITH(assign_levels(Tensor::zeros({2, 4}, DType::f64), 2, 5), Contains("f64"));
  CHECK_THROWS_WITH(assign_levels(Tensor::zeros({2, 4}), 5, 2), Contains("expected k_min ≤ k_max, got 5 and 2"));
}
