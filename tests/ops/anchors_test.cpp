#include "ops/boxes/anchors.h"

#include "tests/catch.h"
#include "tests/ops/box_golden.h"

using namespace mr;
using Catch::Matchers::Contains;

TEST_CASE("anchors: stride 16, size 128: 181×91, 128×128, 91×181", "[anchors]") {
  const Tensor exact = anchors_for_level(2, 3, 16, 16, {128}, {.round = false, .offset = 0});
  CHECK(exact.shape() == Shape{18, 4});
  CHECK(exact.at(2) - exact.at(0) == Approx(181.02).epsilon(1e-5));
  CHECK(exact.at(3) - exact.at(1) == Approx(90.51).epsilon(1e-5));
  CHECK(exact.at(6) - exact.at(4) == Approx(128));
  CHECK(exact.at(11) - exact.at(9) == Approx(181.02).epsilon(1e-5));
  const Tensor rounded = anchors_for_level(1, 1, 16, 16, {128});
  const double expected[] = {-91, -45, 91, 45, -64, -64, 64, 64, -45, -91, 45, 91};
  for (int i = 0; i < 12; ++i) CHECK(rounded.at(i) == expected[i]);
}

TEST_CASE("anchors: ratios ¼, 1, 4, sizes 32 and 64, stride 4, offset 0 and ½", "[anchors]") {
  const AnchorOptions o{.ratios = {0.25, 1, 4}, .round = false, .offset = 0};
  const Tensor a = anchors_for_level(1, 2, 4, 4, {32, 64}, o);
  REQUIRE(a.shape() == Shape{12, 4});
  const double first[] = {-32, -8, 32, 8};
  for (int i = 0; i < 4; ++i) {
    CHECK(a.at(i) == first[i]);
    CHECK(a.at(24 + i) == first[i] + (i % 2 ? 0 : 4));  // the second column
  }
  AnchorOptions centred = o;
  centred.offset = 0.5;
  const Tensor b = anchors_for_level(1, 2, 4, 4, {32, 64}, centred);
  for (int i = 0; i < 48; ++i) CHECK(b.at(i) == a.at(i) + 2);
}

TEST_CASE("anchors: an 800×800 image has 159,882 on P2 … P6, one of 800×1344 268,569, and 63,000 on C4", "[anchors]") {
  const auto pyramid = [](int h, int w) {
    int64_t total = 0;
    for (int stride = 4; stride <= 64; stride *= 2) {
      const int rows = (h + stride - 1) / stride, columns = (w + stride - 1) / stride;
      total += anchors_for_level(rows, columns, stride, stride, {8.0 * stride}).size(0);
    }
    return total;
  };
  CHECK(pyramid(800, 800) == 159882);
  CHECK(pyramid(800, 1344) == 268569);
  CHECK(anchors_for_level(50, 84, 16, 16, {32, 64, 128, 256, 512}).size(0) == 63000);
}

TEST_CASE("anchors: as torchvision's, in its order", "[anchors]") {
  const auto same = [](const Tensor& ours, const Tensor& theirs) {
    REQUIRE(ours.shape() == theirs.shape());
    int64_t wrong = 0;
    for (int64_t i = 0; i < ours.numel(); ++i) wrong += ours.at(i) != theirs.at(i);
    CHECK(wrong == 0);
  };
  same(anchors_for_level(3, 5, 16, 16, {32, 77, 256}), box_golden()["anchors.c4"]);
  same(anchors_for_level(6, 4, 16, 25, {128}, {.ratios = {0.3, 1.7}}), box_golden()["anchors.level"]);
}

TEST_CASE("anchors: errors", "[anchors]") {
  CHECK_THROWS_WITH(anchors_for_level(0, 5, 16, 16, {32}), Contains("anchors: the map must have cells, got 0×5"));
  CHECK_THROWS_WITH(anchors_for_level(5, 5, 0, 16, {32}), Contains("strides must be at least 1, got 0, 16"));
  CHECK_THROWS_WITH(anchors_for_level(5, 5, 16, 16, {}), Contains("expected sizes and ratios, got 0 and 3"));
  CHECK_THROWS_WITH(anchors_for_level(5, 5, 16, 16, {-32}), Contains("sizes must be positive, got -32"));
  CHECK_THROWS_WITH(anchors_for_level(5, 5, 16, 16, {32}, {.ratios = {0}}), Contains("ratios must be positive, got 0"));
  CHECK_THROWS_WITH(anchors_for_level(5, 5, 16, 16, std::vector<double>(22, 32)), Contains("anchors: expected at most 64 a cell, got 66"));
}
