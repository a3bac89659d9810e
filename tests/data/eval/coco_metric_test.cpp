#include "data/eval/coco_metric.h"

#include "base/check.h"
#include "data/dataset.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

constexpr Box kLeft = {0, 0, 40, 40}, kRight = {50, 10, 90, 50};

CroppedMask filled(const Box& b) {
  CroppedMask m{100, 100, static_cast<int>(b.x1), static_cast<int>(b.y1),
                Bitmap(static_cast<int>(b.y2 - b.y1), static_cast<int>(b.x2 - b.x1))};
  for (uint8_t& v : m.bits.pixels) v = 1;
  return m;
}

// Images 11, 12, …; in each a car on the left and a bus on the right.
class Cars : public Dataset {
 public:
  explicit Cars(int64_t images) : images_(images) {}
  int64_t size() const override { return images_; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::vector<int64_t> category_ids() const override { return {3, 6}; }
  ImageInfo info(int64_t i) const override { return {11 + i, 100, 100, ""}; }
  std::vector<Instance> instances(int64_t i) const override {
    return {{2 * i + 1, 1, kLeft, filled(kLeft), 1600, false}, {2 * i + 2, 2, kRight, filled(kRight), 1600, false}};
  }
  Sample sample(int64_t) const override { fail("a metric looks at no pixels"); }

 private:
  int64_t images_;
  std::vector<std::string> names_ = {"car", "bus"};
};

Detection found(int label, const Box& box, float score) { return {label, score, box, filled(box)}; }
std::vector<Detection> all_of(float score) { return {found(1, kLeft, score), found(2, kRight, score)}; }

const CocoJudgement& coco(const std::unique_ptr<Judgement>& j) { return dynamic_cast<const CocoJudgement&>(*j); }

}  // namespace

TEST_CASE("COCO's metric: figures, score, tables and JSON of what was added, in any order", "[coco_metric]") {
  CocoMetric metric(std::make_shared<Cars>(2), {});
  CHECK(metric.notes().empty());
  metric.begin();
  metric.add(1, {found(2, kLeft, .9f), found(2, kRight, .8f)});  // a car taken for a bus
  metric.add(0, all_of(.7f));
  const auto j = metric.finish();
  // Cars: one of two found. Buses: right at ranks 2 and 3 of 3.
  const double cars = 51.0 / 101, buses = 2.0 / 3;
  CHECK(coco(j).bbox.per_class[0].AP == Approx(cars));
  CHECK(coco(j).segm.per_class[1].AP == Approx(buses));
  CHECK(j->score == Approx((cars + buses) / 2));
  CHECK(j->summary == "mask AP 0.586 (AP50 0.586), box AP 0.586 (AP50 0.586)");
  CHECK(coco(j).detections.size() == 4);
  REQUIRE(j->figures.size() == 2);
  CHECK(j->figures[0] == std::pair(std::string("bbox"), to_json(coco(j).bbox)));
  CHECK(j->figures[1].first == "segm");
  CHECK_THAT(j->details.at(0).second, Contains(R"({"truth": "car", "found": "bus", "count": 1})"));
  REQUIRE(j->tables.size() == 3);
  CHECK(j->tables[0].rows.size() == coco_figure_names().size());
  CHECK(j->tables[1].rows.at(2) ==
        std::vector<Cell>{std::string("all"), int64_t{4}, coco(j).bbox.AP, coco(j).bbox.AP50, coco(j).segm.AP, coco(j).segm.AP50});
  CHECK(j->tables[2].rows.at(0) == std::vector<Cell>{int64_t{1}, std::string("car"), std::string("bus")});
}

TEST_CASE("COCO's metric: an image that was not added does not count, and begin() forgets", "[coco_metric]") {
  CocoMetric metric(std::make_shared<Cars>(3), {});
  metric.begin();
  metric.add(0, {});
  metric.begin();
  metric.add(2, all_of(.5f));
  metric.add(0, all_of(.6f));
  const auto j = metric.finish();
  CHECK(j->score == Approx(1));
  CHECK(coco(j).bbox.per_class[0].objects == 2);
  CHECK(coco(j).confusions.pairs.empty());
  CHECK(j->tables[2].note == "No class was taken for another, and nothing was missed.");
  metric.begin();
  for (const int64_t i : {0, 1, 2}) metric.add(i, i == 1 ? std::vector<Detection>() : all_of(.5f));
  CHECK(metric.finish()->score == Approx(67.0 / 101));  // found or not, its objects count now
}

TEST_CASE("COCO's metric: boxes alone, masks alone, a threshold of confusions, neither", "[coco_metric]") {
  const auto cars = std::make_shared<Cars>(1);
  const auto judged = [&cars](const CocoMetricOptions& options) {
    CocoMetric metric(cars, options);
    metric.begin();
    std::vector<Detection> seen = all_of(.3f);
    seen[1].mask = filled(kLeft);  // right as a box alone
    metric.add(0, seen);
    return metric.finish();
  };
  const auto boxes = judged({.masks = false}), masks = judged({.boxes = false});
  CHECK(boxes->score == Approx(1));
  CHECK(boxes->summary == "box AP 1.000 (AP50 1.000)");
  CHECK(boxes->tables[0].columns == std::vector<std::string>{"", "boxes", ""});
  CHECK(masks->score == Approx(0.5));
  CHECK(masks->figures.at(0).first == "segm");
  CHECK(masks->tables[1].columns == std::vector<std::string>{"class", "objects", "mask AP", "mask AP50"});
  CHECK(coco(boxes).confusions.pairs.size() == 2);  // both missed: nothing has a score of ½
  CHECK(coco(judged({.masks = false, .score = 0.3})).confusions.pairs.empty());
  for (const int64_t most : {1, 2}) {  // of a class in an image
    CocoMetric metric(cars, {.max_detections = most});
    metric.begin();
    metric.add(0, {found(1, kRight, .9f), found(1, kLeft, .8f)});
    CHECK(coco(metric.finish()).bbox.per_class[0].AP == Approx(most == 1 ? 0 : 0.5));
  }
  CHECK_THROWS_WITH(judged({.boxes = false, .masks = false}), Contains("expected boxes or masks to judge"));
}

TEST_CASE("COCO's metric warns of objects that cannot score", "[coco_metric]") {
  struct Empty : Cars {
    Empty() : Cars(1) {}
    std::vector<Instance> instances(int64_t) const override { return {}; }
  };
  struct Zero : Cars {  // cocoapi takes no detection for right that matches an object of id 0
    Zero() : Cars(1) {}
    std::vector<Instance> instances(int64_t) const override { return {{0, 1, kLeft, filled(kLeft), 1600, false}}; }
  };
  CHECK_THAT(CocoMetric(std::make_shared<Empty>(), {}).notes().at(0), Contains("has no objects, every figure will be -1"));
  CHECK_THAT(CocoMetric(std::make_shared<Zero>(), {}).notes().at(0), Contains("the ground truth itself scores only 0.0000 AP"));
}
