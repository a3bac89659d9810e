#include "ops/boxes/targets.h"

#include <cmath>

#include "ops/boxes/candidates.h"
#include "ops/boxes/matcher.h"
#include "tests/catch.h"
#include "tests/ops/lists.h"

using namespace mr;
using Catch::Matchers::Contains;
using test::numbers;

namespace {

constexpr BoxCoder coder{.wx = 10, .wy = 10, .ww = 5, .wh = 5};

Tensor numbers_of(const Shape& shape, const std::vector<int32_t>& values) { return Tensor::of<int32_t>(shape, values); }

// Two images: three boxes and two, two objects and one.
struct Lists {
  BoxList boxes{Tensor::of<float>({2, 3, 4}, {0, 0, 10, 10, 20, 0, 30, 20, 5, 5, 9, 9, 1, 2, 3, 4, 0, 0, 8, 8, 0, 0, 0, 0}),
                numbers_of({2}, {3, 2})};
  BoxList objects{Tensor::of<float>({2, 2, 4}, {0, 0, 10, 12, 20, 0, 32, 20, 0, 0, 8, 9, 0, 0, 0, 0}), numbers_of({2}, {2, 1})};
  Tensor labels = numbers_of({2, 2}, {7, 9, 4, -1});
  Tensor match = numbers_of({2, 3}, {0, 1, -1, -1, 0, Match::between});
};

std::vector<float> row(const Tensor& t, int64_t r) {
  const float* first = t.data<float>() + r * t.size(1);
  return {first, first + t.size(1)};
}

}  // namespace

TEST_CASE("lists: a batch of lists as rows, images in front, in order", "[targets]") {
  const Lists l;
  const BoxRows rows = to_rows(l.boxes);
  CHECK(rows.rois.shape() == Shape{5, 5});
  CHECK(rows.room == 0);
  CHECK(row(rows.rois, 2) == std::vector<float>{0, 5, 5, 9, 9});
  CHECK(row(rows.rois, 3) == std::vector<float>{1, 1, 2, 3, 4});
  CHECK(numbers(to_rows(numbers_of({2, 3}, {1, 2, 3, 4, 5, -1}), l.boxes.count)) == std::vector<int32_t>{1, 2, 3, 4, 5});
  const RowRange second = rows_of_image(rows.count, rows.room, 1);
  CHECK((second.begin == 3 && second.end == 5));
  const RowRange on_a_gpu = rows_of_image(rows.count, 3, 1);
  CHECK((on_a_gpu.begin == 3 && on_a_gpu.end == 5));
  CHECK(rows_of_image(rows.count, 4, 1).begin == 4);

  const BoxList all = append(l.boxes, l.objects);
  CHECK(numbers(all.count) == std::vector<int32_t>{5, 3});
  CHECK(row(all.boxes.reshape({10, 4}), 3) == std::vector<float>{0, 0, 10, 12});
  CHECK(row(all.boxes.reshape({10, 4}), 7) == std::vector<float>{0, 0, 8, 9});
  CHECK(row(all.boxes.reshape({10, 4}), 8) == std::vector<float>{0, 0, 0, 0});

  const BoxList taken = take(l.boxes.boxes, {numbers_of({2, 2}, {2, 0, 1, -1}), numbers_of({2}, {2, 1})});
  CHECK(row(taken.boxes.reshape({4, 4}), 0) == std::vector<float>{5, 5, 9, 9});
  CHECK(row(taken.boxes.reshape({4, 4}), 3) == std::vector<float>{0, 0, 0, 0});
  CHECK_THROWS_WITH(take(l.boxes.boxes, numbers_of({2, 1}, {0, 3})), Contains("take: index 1 must be below 3, got 3"));
  CHECK_THROWS_WITH(take(l.boxes.boxes, numbers_of({3, 1}, {0, 0, 0})), Contains("take: index must be [2, 1] i32, got [3, 1] i32"));
  CHECK_THROWS_WITH(to_rows(BoxList{l.boxes.boxes, numbers_of({1}, {1})}), Contains("count must be [2] i32, got [1] i32"));
}

TEST_CASE("roi_targets: the sampled boxes with their objects' classes and deltas, rising", "[targets]") {
  const Lists l;
  const Tensor s = numbers_of({2, 3}, {1, 0, 2, 1, 0, -1});
  const RoITargets t = roi_targets(l.boxes, l.match, s, l.objects, l.labels, coder);
  CHECK(numbers(t.labels) == std::vector<int32_t>{7, 9, 0, 0, 4});
  CHECK(numbers(t.object) == std::vector<int32_t>{0, 1, -1, -1, 0});
  CHECK(t.rois.at(10) == 0);  // three of the first image, then two of the second
  CHECK(t.rois.at(15) == 1);
  CHECK(row(t.rois, 1) == std::vector<float>{0, 20, 0, 30, 20});
  const Tensor want = coder.encode(Tensor::of<float>({1, 4}, {20, 0, 32, 20}), Tensor::of<float>({1, 4}, {20, 0, 30, 20}));
  CHECK(row(t.deltas, 1) == row(want, 0));
  CHECK(row(t.deltas, 2) == std::vector<float>{0, 0, 0, 0});

  const RoITargets objects = object_targets(l.boxes, l.match, s, l.objects, l.labels, coder, 1);
  CHECK(numbers(objects.labels) == std::vector<int32_t>{9, 4});  // the first of each image's sample, not more than one
  CHECK(numbers(object_targets(l.boxes, l.match, s, l.objects, l.labels, coder, 3).labels) == std::vector<int32_t>{9, 7, 4});

  CHECK_THROWS_WITH(roi_targets(l.boxes, l.match, numbers_of({2, 1}, {0, 3}), l.objects, l.labels, coder),
                    Contains("roi_targets: the sample names box 3 of a list of 3"));
  CHECK_THROWS_WITH(object_targets(l.boxes, l.match, s, l.objects, l.labels, coder, 4),
                    Contains("object_targets: expected a part of a sample of 3, got 4"));
}

TEST_CASE("object_rows: where the objects' rows stand among all", "[targets]") {
  const Lists l;
  const Tensor s = numbers_of({2, 3}, {0, 1, 2, 1, 0, -1});  // objects first, rising, as the sampler gives them
  const RoITargets all = roi_targets(l.boxes, l.match, s, l.objects, l.labels, coder);
  REQUIRE(numbers(all.labels) == std::vector<int32_t>{7, 9, 0, 0, 4});  // the boxes of an image rise, its background stands first
  CHECK(numbers(object_rows(all, 2, 2)) == std::vector<int32_t>{0, 1, 4});
  CHECK(numbers(object_rows(all, 2, 1)) == std::vector<int32_t>{0, 4});
  for (const int64_t most : {0, 1, 2, 3}) {
    const RoITargets objects = object_targets(l.boxes, l.match, s, l.objects, l.labels, coder, most);
    const Tensor rows = object_rows(all, 2, most);
    REQUIRE(rows.numel() == objects.labels.numel());
    for (int64_t i = 0; i < rows.numel(); ++i) {
      CHECK(row(all.rois, rows.data<int32_t>()[i]) == row(objects.rois, i));
      CHECK(all.labels.data<int32_t>()[rows.data<int32_t>()[i]] == objects.labels.data<int32_t>()[i]);
    }
  }
  CHECK_THROWS_WITH(object_rows(all, 0, 1), Contains("object_rows: expected images and a number of objects, got 0 and 1"));
}

TEST_CASE("anchor_targets: sampled anchors by the cell that speaks for them, level after level", "[targets]") {
  // Levels of 4 and 2 anchors, two at a cell.
  const Tensor anchors = Tensor::zeros({6, 4});
  for (int64_t i = 0; i < 6; ++i) {
    float* a = anchors.data<float>() + 4 * i;
    a[2] = a[3] = static_cast<float>(i + 1);
  }
  const Lists l;
  const int64_t of_level[] = {4, 2};
  const Tensor match = numbers_of({2, 6}, {-1, 0, -1, -1, 1, -1, -1, -1, -1, 0, -1, -1});
  const AnchorTargets t = anchor_targets(anchors, of_level, 2, match, numbers_of({2, 4}, {1, 4, 0, 5, 3, 2, -1, -1}), l.objects, {});
  CHECK(numbers(t.level) == std::vector<int32_t>{0, 0, 0, 0, 1, 1});
  CHECK(numbers(t.cell) == std::vector<int32_t>{0, 0, 3, 3, 0, 0});
  CHECK(numbers(t.anchor) == std::vector<int32_t>{1, 0, 1, 0, 0, 1});
  CHECK(numbers(t.labels) == std::vector<int32_t>{1, 0, 1, 0, 1, 0});
  const Tensor want = BoxCoder{}.encode(Tensor::of<float>({1, 4}, {20, 0, 32, 20}), anchors.slice(4, 5));
  CHECK(row(t.deltas, 4) == row(want, 0));
  CHECK(row(t.deltas, 5) == std::vector<float>{0, 0, 0, 0});
  CHECK(numbers(anchor_rows(t, 2, false)) == std::vector<int32_t>{1, 2, 5, 6, 8, 11});
  CHECK(numbers(anchor_rows(t, 2, true)) == std::vector<int32_t>{1, -1, 5, -1, 8, -1});

  const Tensor none = numbers_of({2, 1}, {-1, -1});
  CHECK(anchor_targets(anchors, of_level, 2, match, none, l.objects, {}).labels.numel() == 0);
  const int64_t odd[] = {3, 3}, few[] = {4}, many[] = {1, 1, 1, 1, 1, 1, 0, 0, 0};
  CHECK_THROWS_WITH(anchor_targets(anchors, odd, 2, match, none, l.objects, {}), Contains("expected whole cells of 2 anchors, got 3"));
  CHECK_THROWS_WITH(anchor_targets(anchors, few, 2, match, none, l.objects, {}), Contains("expected the 4 anchors of the levels"));
  CHECK_THROWS_WITH(anchor_targets(anchors, many, 1, match, none, l.objects, {}), Contains("expected at most 8 levels, got 9"));
}

TEST_CASE("one_channel: an object of any class reads channel 0", "[targets]") {
  const Tensor y = one_channel(numbers_of({2, 2}, {-1, 0, 3, 1}));
  CHECK(y.shape() == Shape{2, 2});
  CHECK(numbers(y) == std::vector<int32_t>{-1, -1, 0, 0});
  CHECK_THROWS_WITH(one_channel(Tensor::zeros({2})), Contains("one_channel: labels must be i32"));
}

TEST_CASE("candidates: proposals of a level, and every likely class of a RoI, decoded and cut to the image", "[targets]") {
  const Tensor anchors = Tensor::of<float>({3, 4}, {0, 0, 10, 10, 20, 20, 60, 40, 5, 5, 6, 6}), deltas = Tensor::zeros({1, 3, 4});
  const Tensor objectness = Tensor::of<float>({1, 3}, {0, 2, 1}), sizes = numbers_of({1, 2}, {30, 50});
  const Candidates c = new_candidates(1, 2, 3);
  decode_proposals(c, 0, {numbers_of({1, 2}, {1, 2}), {}}, objectness, deltas, anchors, sizes, 2);
  decode_proposals(c, 1, {numbers_of({1, 3}, {0, 1, -1}), {}}, objectness, deltas, anchors, sizes, 2);
  const Tensor boxes = c.boxes.reshape({6, 4});
  CHECK(row(boxes, 0) == std::vector<float>{20, 20, 50, 30});
  CHECK(c.scores.at(0) == Approx(1 / (1 + std::exp(-2.0))));
  for (const int64_t empty : {1, 2, 5}) CHECK(c.scores.at(empty) == -INFINITY);  // too small, no place, no anchor
  CHECK(row(boxes, 3) == std::vector<float>{0, 0, 10, 10});
  CHECK(c.scores.at(3) == 0.5);
  CHECK_THROWS_WITH(decode_proposals(c, 2, {numbers_of({1, 1}, {0}), {}}, objectness, deltas, anchors, sizes, 2),
                    Contains("level must be below 2, got 2"));
  CHECK_THROWS_WITH(decode_proposals(c, 0, {numbers_of({1, 4}, {0, 0, 0, 0}), {}}, objectness, deltas, anchors, sizes, 2),
                    Contains("k at most 3, got [1, 4]"));

  // Two images with one RoI and two; classes 1 and 2.
  const BoxRows rois{Tensor::of<float>({3, 5}, {0, 0, 0, 10, 10, 1, 5, 5, 25, 25, 1, 0, 0, 4, 4}), numbers_of({2}, {1, 2}), 0};
  const Tensor p = Tensor::of<float>({3, 3}, {0.2f, 0.5f, 0.3f, 0.1f, 0.05f, 0.85f, 0.3f, 0.4f, 0.3f});
  const Candidates d = decode_detections(p, Tensor::zeros({3, 12}), rois, numbers_of({2, 2}, {20, 20, 20, 20}), coder, 0.3f, 5);
  CHECK(d.scores.shape() == Shape{2, 4});
  CHECK(d.groups == 2);
  const std::vector<float> want = {0.5f, -INFINITY, -INFINITY, -INFINITY, -INFINITY, 0.85f, -INFINITY, -INFINITY};
  CHECK(row(d.scores.reshape({1, 8}), 0) == want);  // 0.3 is not above 0.3, the last RoI is too small
  CHECK(row(d.boxes.reshape({8, 4}), 5) == std::vector<float>{5, 5, 20, 20});
  CHECK(numbers(detected_labels(numbers_of({1, 4}, {0, 1, 5, -1}), 2)) == std::vector<int32_t>{1, 2, 2, -1});
}

TEST_CASE("a label's row among those of all classes: worked example", "[targets]") {
  CHECK(numbers(label_rows(numbers_of({4}, {2, 0, -1, 1}), 3)) == std::vector<int32_t>{2, 3, -1, 10});
  CHECK(label_rows(numbers_of({0}, {}), 3).shape() == Shape{0});
  CHECK_THROWS_WITH(label_rows(numbers_of({2}, {0, 3}), 3), Contains("label_rows: label 1 must be in [-1, 3), got 3"));
  CHECK_THROWS_WITH(label_rows(numbers_of({2}, {-2, 0}), 3), Contains("label 0 must be in [-1, 3), got -2"));
  CHECK_THROWS_WITH(label_rows(numbers_of({1, 2}, {0, 0}), 3), Contains("label_rows: labels must be a vector"));
  CHECK_THROWS_WITH(label_rows(numbers_of({2}, {0, 0}), 0), Contains("expected above 0 and at most 2^31 rows in all, got 2 of 0"));
}
