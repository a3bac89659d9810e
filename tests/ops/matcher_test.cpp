#include "ops/boxes/matcher.h"

#include "ops/boxes/anchors.h"
#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/ops/box_golden.h"
#include "tests/ops/lists.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

float overlap(const float* a, const float* b) {
  const float w = std::max(std::min(a[2], b[2]) - std::max(a[0], b[0]), 0.0f),
              h = std::max(std::min(a[3], b[3]) - std::max(a[1], b[1]), 0.0f);
  const float both = w * h, either = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both;
  return either > 0 ? both / either : 0;
}

// The definition, with the whole matrix.
std::vector<int32_t> oracle(const Tensor& gt, const Tensor& boxes, float high, float low, bool keep_best) {
  const int64_t G = gt.size(0), N = boxes.size(0);
  std::vector<float> top(static_cast<size_t>(G), 0.0f);
  const auto iou = [&](int64_t g, int64_t n) { return overlap(gt.data<float>() + g * 4, boxes.data<float>() + n * 4); };
  for (int64_t g = 0; g < G; ++g)
    for (int64_t n = 0; n < N; ++n) top[static_cast<size_t>(g)] = std::max(top[static_cast<size_t>(g)], iou(g, n));
  std::vector<int32_t> match;
  for (int64_t n = 0; n < N; ++n) {
    float best = -1;
    int32_t at = -1;
    bool keep = false;
    for (int64_t g = 0; g < G; ++g) {
      if (iou(g, n) > best) {
        best = iou(g, n);
        at = static_cast<int32_t>(g);
      }
      keep = keep || (keep_best && iou(g, n) == top[static_cast<size_t>(g)] && top[static_cast<size_t>(g)] > 0);
    }
    match.push_back(keep || best >= high ? at : best >= low ? -2 : -1);
  }
  return match;
}

Tensor random_boxes(int64_t n, uint64_t seed, double side) {
  const Tensor b = Tensor::empty({n, 4});
  Rng rng(seed, "boxes");
  for (int64_t i = 0; i < n; ++i)
    for (int k = 0; k < 2; ++k) {
      float* row = b.data<float>() + i * 4;
      row[k] = static_cast<float>(rng.below(60));
      row[k + 2] = row[k] + static_cast<float>(rng.uniform(0, side));
    }
  return b;
}

// The match of one image.
std::vector<int32_t> match_of_one(const Tensor& gt, const Tensor& boxes, float high, float low, bool keep_best) {
  return test::numbers(match_boxes(test::list_of(gt), boxes, {}, high, low, keep_best));
}

}  // namespace

TEST_CASE("match_boxes: thresholds, and the best box of an object however low", "[matcher]") {
  const Tensor gt = Tensor::of<float>({2, 4}, {0, 0, 10, 10, 100, 100, 140, 140});
  const Tensor boxes = Tensor::of<float>({6, 4}, {0,   0,   10,  8,    // 0.8 with object 0
                                                  0,   0,   10,  5,    // 0.5
                                                  0,   0,   10,  2,    // 0.2
                                                  100, 100, 110, 140,  // 0.25 with object 1: its best, twice
                                                  130, 100, 140, 140,  //
                                                  300, 300, 310, 310});
  CHECK(match_of_one(gt, boxes, 0.7f, 0.3f, true) == std::vector<int32_t>{0, -2, -1, 1, 1, -1});
  CHECK(match_of_one(gt, boxes, 0.7f, 0.3f, false) == std::vector<int32_t>{0, -2, -1, -1, -1, -1});
  CHECK(match_of_one(gt, boxes, 0.5f, 0.5f, false) == std::vector<int32_t>{0, 0, -1, -1, -1, -1});
}

TEST_CASE("match_boxes: an IoU of exactly low is between, and boxes apart have one of 0, not less", "[matcher]") {
  const Tensor gt = Tensor::of<float>({1, 4}, {0, 0, 2, 1});
  CHECK(match_of_one(gt, Tensor::of<float>({1, 4}, {0, 0, 1, 1}), 0.7f, 0.5f, false) == std::vector<int32_t>{Match::between});
  // beside the object, under it, and both: a length that is negative counts as 0
  const Tensor apart = Tensor::of<float>({3, 4}, {5, 0, 6, 1, 0, 5, 2, 6, 5, 5, 6, 6});
  CHECK(match_of_one(gt, apart, 0, 0, false) == std::vector<int32_t>{0, 0, 0});
}

TEST_CASE("match_boxes: an object that touches no box promotes none", "[matcher]") {
  const Tensor gt = Tensor::of<float>({2, 4}, {0, 0, 10, 10, 500, 500, 510, 510}),
               boxes = Tensor::of<float>({2, 4}, {0, 0, 10, 10, 50, 50, 60, 60});
  CHECK(match_of_one(gt, boxes, 0.7f, 0.3f, true) == std::vector<int32_t>{0, -1});
}

TEST_CASE("match_boxes: a promoted box keeps its own best object, the first of equal objects wins", "[matcher]") {
  // Box 0 is the best that object 1 finds (0.5), but matches object 0 (1.0).
  const Tensor gt = Tensor::of<float>({3, 4}, {0, 0, 10, 10, 0, 0, 10, 5, 0, 0, 10, 10}), boxes = Tensor::of<float>({1, 4}, {0, 0, 10, 10});
  CHECK(match_of_one(gt, boxes, 0.7f, 0.3f, true) == std::vector<int32_t>{0});
}

TEST_CASE("match_boxes: as the definition, on any number of boxes and threads", "[matcher]") {
  for (const int64_t n : {1, 7, 255, 256, 257, 3000})
    for (const int threads : {1, 3}) {
      const ContextGuard guard;
      context().threads = threads;
      const Tensor gt = random_boxes(9, 5, 40), boxes = random_boxes(n, 7, 50);
      CHECK(match_of_one(gt, boxes, 0.7f, 0.3f, true) == oracle(gt, boxes, 0.7f, 0.3f, true));
      CHECK(match_of_one(gt, boxes, 0.4f, 0.4f, false) == oracle(gt, boxes, 0.4f, 0.4f, false));
    }
}

TEST_CASE("match_boxes: as torchvision's, ties included", "[matcher]") {
  const GoldenFile& g = box_golden();
  const Tensor boxes = anchors_for_level(12, 16, 8, 8, {32, 48}), gt = g["match.gt"];
  for (const bool rpn : {true, false}) {
    const Tensor expected = g[rpn ? "match.rpn" : "match.roi"];
    const std::vector<int32_t> m = rpn ? match_of_one(gt, boxes, 0.7f, 0.3f, true) : match_of_one(gt, boxes, 0.5f, 0.5f, false);
    REQUIRE(static_cast<int64_t>(m.size()) == expected.numel());
    int wrong = 0;
    for (size_t i = 0; i < m.size(); ++i) wrong += m[i] != expected.data<int32_t>()[i];
    CHECK(wrong == 0);
  }
}

TEST_CASE("match_boxes: no objects, no boxes, errors", "[matcher]") {
  const Tensor none = Tensor::empty({0, 4}), one = Tensor::of<float>({1, 4}, {0, 0, 1, 1});
  CHECK(match_of_one(none, one, 0.7f, 0.3f, true) == std::vector<int32_t>{-1});
  CHECK(match_of_one(one, none, 0.7f, 0.3f, true).empty());
  const BoxList list = test::list_of(one);
  CHECK_THROWS_WITH(match_boxes(list, one, {}, 0.3f, 0.7f, true), Contains("match_boxes: low must not exceed high"));
  CHECK_THROWS_WITH(match_boxes({Tensor::zeros({1, 1, 5}), list.count}, one, {}, 0.7f, 0.3f, true),
                    Contains("objects must be [1, 1, 4] f32, got [1, 1, 5] f32"));
  CHECK_THROWS_WITH(match_boxes({list.boxes, Tensor::zeros({2}, DType::i32)}, one, {}, 0.7f, 0.3f, true),
                    Contains("the objects' count must be [1] i32, got [2] i32"));
  CHECK_THROWS_WITH(match_boxes(list, Tensor::zeros({1, 4}, DType::i32), {}, 0.7f, 0.3f, true),
                    Contains("boxes must be [1, 4] f32, got [1, 4] i32"));
}

TEST_CASE("match_boxes: lists of several images, each to its count", "[matcher]") {
  const Tensor gt = random_boxes(6, 1, 40), boxes = random_boxes(60, 2, 50);
  const BoxList objects{gt.reshape({2, 3, 4}), Tensor::of<int32_t>({2}, {3, 1})},
      all{boxes.reshape({2, 30, 4}), Tensor::of<int32_t>({2}, {10, 30})};
  const std::vector<int32_t> got = test::numbers(match_boxes(objects, all, 0.5f, 0.5f, true));
  std::vector<int32_t> want = oracle(gt.slice(0, 3), boxes.slice(0, 10), 0.5f, 0.5f, true);
  want.resize(30, Match::between);
  for (const int32_t m : oracle(gt.slice(3, 4), boxes.slice(30, 60), 0.5f, 0.5f, true)) want.push_back(m);
  CHECK(got == want);
}
