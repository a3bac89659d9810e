#include "ops/boxes/box_coder.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/ops/box_golden.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

void check_close(const Tensor& a, const Tensor& b, double relative) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (int64_t i = 0; i < a.numel(); ++i) worst = std::max(worst, std::abs(a.at(i) - b.at(i)) / (1 + std::abs(b.at(i))));
  CHECK(worst <= relative);
}

}  // namespace

TEST_CASE("box coder: anchor (10,20,50,100), box (15,30,65,90), weights (10,10,5,5)", "[box_coder]") {
  const BoxCoder coder{10, 10, 5, 5};
  const Tensor anchor = Tensor::of<float>({1, 4}, {10, 20, 50, 100}), box = Tensor::of<float>({1, 4}, {15, 30, 65, 90});
  const Tensor d = coder.encode(box, anchor);
  const double expected[] = {2.5, 0, 1.115718, -1.438410};
  for (int i = 0; i < 4; ++i) CHECK(d.at(i) == Approx(expected[i]).margin(1e-6));
  check_close(coder.decode(d, anchor), box, 1e-6);
}

TEST_CASE("box coder: the same with sides that include the last pixel", "[box_coder]") {
  const BoxCoder coder{.wx = 10, .wy = 10, .ww = 5, .wh = 5, .extent = 1};
  const Tensor anchor = Tensor::of<float>({1, 4}, {10, 20, 50, 100}), box = Tensor::of<float>({1, 4}, {15, 30, 65, 90});
  const Tensor d = coder.encode(box, anchor);
  const double expected[] = {2.439024, 0, 1.091268, -1.417876};
  for (int i = 0; i < 4; ++i) CHECK(d.at(i) == Approx(expected[i]).margin(1e-6));
  check_close(coder.decode(d, anchor), box, 1e-6);
}

TEST_CASE("box coder: a box coded against itself is zero, and zero decodes to the anchor", "[box_coder]") {
  const Tensor anchors = box_golden()["coder.anchors"];
  check_close(BoxCoder{}.encode(anchors, anchors), Tensor::zeros(anchors.shape()), 0);
  check_close(BoxCoder{}.decode(Tensor::zeros(anchors.shape()), anchors), anchors, 3e-6);
}

TEST_CASE("box coder: growth is clamped to 1000/16", "[box_coder]") {
  const Tensor b = BoxCoder{}.decode(Tensor::of<float>({1, 4}, {0, 0, 50, 4}), Tensor::of<float>({1, 4}, {0, 0, 10, 10}));
  CHECK(b.at(2) - b.at(0) == Approx(625).epsilon(1e-5));
  CHECK(b.at(3) - b.at(1) == Approx(10 * std::exp(4.0)).epsilon(1e-5));
}

TEST_CASE("box coder: as torchvision's, one box an anchor or several", "[box_coder]") {
  const GoldenFile& g = box_golden();
  const BoxCoder coder{10, 10, 5, 5};
  check_close(coder.encode(g["coder.boxes"], g["coder.anchors"]), g["coder.encoded"], 1e-6);
  check_close(coder.decode(g["coder.deltas"], g["coder.anchors"]), g["coder.decoded"], 1e-6);
}

TEST_CASE("clip_boxes: to the image, in place", "[box_coder]") {
  const Tensor b = Tensor::of<float>({1, 8}, {-3, 5, 40, 19, 2, -1, 31, 25});
  clip_boxes(b, 20, 30);
  const double expected[] = {0, 5, 30, 19, 2, 0, 30, 20};
  for (int i = 0; i < 8; ++i) CHECK(b.at(i) == expected[i]);
  clip_boxes(Tensor::empty({0, 4}), 1, 1);
}

TEST_CASE("box coder: errors", "[box_coder]") {
  const Tensor a = Tensor::zeros({2, 4}), b = Tensor::zeros({3, 4});
  CHECK_THROWS_WITH(BoxCoder{}.encode(a, b), Contains("encode: expected one anchor a box, got 2 boxes and 3 anchors"));
  CHECK_THROWS_WITH(BoxCoder{}.decode(a, b), Contains("decode: expected a row of deltas for each of 3 anchors, got [2, 4]"));
  CHECK_THROWS_WITH(BoxCoder{}.decode(Tensor::zeros({3, 5}), b), Contains("deltas must be [N,4K] f32, got [3, 5]"));
  CHECK_THROWS_WITH(clip_boxes(Tensor::zeros({4}), 3, 3), Contains("clip_boxes: boxes must be [N,4K]"));
}
