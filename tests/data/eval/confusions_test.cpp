#include "data/eval/confusions.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "tensor/context.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

constexpr int car = 1, truck = 2, bus = 3;
constexpr CocoBox kA = {0, 0, 50, 50}, kB = {100, 0, 50, 50}, kC = {200, 0, 50, 50}, kNowhere = {300, 300, 50, 50};

CocoGroundTruth truth_of(std::vector<CocoObject> objects, int64_t images = 1) {
  CocoGroundTruth t;
  t.class_names = {"car", "truck", "bus"};
  t.category_ids = {1, 2, 3};
  for (int64_t i = 1; i <= images; ++i) t.image_ids.push_back(i);
  t.objects = std::move(objects);
  return t;
}
CocoObject object(int label, CocoBox b, bool crowd = false, int64_t image = 1) {
  static int64_t id = 0;
  return {++id, image, label, b, {}, b.w * b.h, crowd};
}
CocoDetection detection(int label, CocoBox b, double score, int64_t image = 1) { return {image, label, score, b, {}, {}}; }

using Pairs = std::map<std::pair<int, int>, int64_t>;
Pairs pairs_of(const Confusions& c) {
  Pairs all;
  for (const Confusions::Pair& p : c.pairs) CHECK(all.emplace(std::pair(p.truth, p.found), p.count).second);
  return all;
}
std::vector<int64_t> counts_of(const Confusions::Picture& p) { return {p.right, p.wrong, p.missing}; }

}  // namespace

TEST_CASE("confusions: the example of the header", "[confusions]") {
  const CocoGroundTruth t = truth_of({object(car, kA), object(bus, kB)});
  const Confusions c = find_confusions(t, {detection(truck, kA, .8), detection(car, kA, .9), detection(truck, kB, .7)}, {});
  CHECK(pairs_of(c) == Pairs{{{car, truck}, 1}, {{bus, truck}, 1}});
  CHECK(c.classes[car - 1].right == 1);
  REQUIRE(c.pictures.size() == 1);
  CHECK(counts_of(c.pictures[0]) == std::vector<int64_t>{1, 2, 1});
  CHECK(c.pictures[0].f() == Approx(0.4));
  CHECK(to_json(c) == R"({"type": "bbox", "score": 0.5, "iou": 0.5, "pairs": [{"truth": "car", "found": "truck", "count": 1}, )"
                      R"({"truth": "bus", "found": "truck", "count": 1}]})");
}

TEST_CASE("confusions: nothing, missed and twice", "[confusions]") {
  const CocoGroundTruth t = truth_of({object(car, kA), object(car, kB), object(bus, kC)}, 2);
  const Confusions c = find_confusions(
      t,
      {detection(car, kA, .9), detection(car, kA, .8), detection(truck, kNowhere, .7), detection(car, kB, .4), detection(bus, kA, .6, 2)},
      {});
  CHECK(pairs_of(c) == Pairs{{{0, truck}, 1}, {{0, bus}, 1}, {{car, 0}, 1}, {{bus, 0}, 1}});
  CHECK(c.classes[car - 1].doubles == 1);
  CHECK(counts_of(c.pictures[0]) == std::vector<int64_t>{1, 2, 2});
  CHECK(counts_of(c.pictures[1]) == std::vector<int64_t>{0, 1, 0});
  CHECK(c.pictures[1].f() == 0);
  CHECK_THROWS_WITH(throw Error(to_json(c)), Contains(R"({"truth": null, "found": "truck", "count": 1})"));
  CHECK_THROWS_WITH(throw Error(to_json(c)), Contains(R"({"truth": "car", "found": null, "count": 1})"));
  CHECK(find_confusions(t, {detection(car, kB, .4)}, {CocoType::bbox, 0.4}).classes[car - 1].right == 1);  // a score of just so much
}

TEST_CASE("confusions: a detection takes its own class, whatever else it overlaps more", "[confusions]") {
  const CocoBox shifted = {10, 0, 50, 50};  // IoU 2/3 with kA
  const Confusions c = find_confusions(truth_of({object(car, kA), object(bus, shifted)}), {detection(car, shifted, .9)}, {});
  CHECK(pairs_of(c) == Pairs{{{bus, 0}, 1}});
  CHECK(c.classes[car - 1].right == 1);
  // Of two objects of other classes that with the larger overlap is the one it is confused with.
  const Confusions d = find_confusions(truth_of({object(car, kA), object(bus, shifted)}), {detection(truck, shifted, .9)}, {});
  CHECK(pairs_of(d) == Pairs{{{car, 0}, 1}, {{bus, truck}, 1}});
  // The surer one takes the object, in whatever order they stand.
  const Confusions e = find_confusions(truth_of({object(car, kA)}), {detection(car, shifted, .6), detection(car, kA, .9)}, {});
  CHECK(counts_of(e.pictures[0]) == std::vector<int64_t>{1, 1, 0});
}

TEST_CASE("confusions: crowds are neither found nor missed, and detections on those of their class do not count", "[confusions]") {
  const CocoGroundTruth t = truth_of({object(car, {0, 0, 200, 200}, true)});
  const Confusions c = find_confusions(t, {detection(car, kA, .9), detection(car, {180, 0, 40, 40}, .9), detection(truck, kA, .8)}, {});
  CHECK(pairs_of(c) == Pairs{{{0, truck}, 1}});
  CHECK(counts_of(c.pictures[0]) == std::vector<int64_t>{0, 1, 0});
  CHECK(counts_of(find_confusions(t, {}, {}).pictures[0]) == std::vector<int64_t>{0, 0, 0});
  CHECK(find_confusions(t, {}, {}).pictures[0].f() == 1);
}

TEST_CASE("confusions: masks are compared where masks are asked for", "[confusions]") {
  const auto rectangle = [](int x1, int x2) {
    Bitmap m(10, 60);
    for (int y = 0; y < 10; ++y)
      for (int x = x1; x < x2; ++x) m.at(y, x) = 1;
    return rle_encode(m);
  };
  CocoGroundTruth t = truth_of({object(car, kA)});
  t.objects[0].mask = rectangle(0, 20);
  std::vector<CocoDetection> d = {detection(car, kA, .9)};
  d[0].mask = rectangle(12, 32);
  CHECK(find_confusions(t, d, {CocoType::bbox}).classes[car - 1].right == 1);
  CHECK(pairs_of(find_confusions(t, d, {CocoType::segm})) == Pairs{{{0, car}, 1}, {{car, 0}, 1}});
  d[0].mask = rectangle(0, 10);  // half of it: an IoU of 0.5
  CHECK(find_confusions(t, d, {CocoType::segm}).classes[car - 1].right == 1);
}

TEST_CASE("confusions: right detections are those of COCO's AP50, for any number of threads", "[confusions]") {
  uint64_t x = 88172645463325252u;
  const auto random = [&x](uint64_t below) { return x ^= x << 13, x ^= x >> 7, x ^= x << 17, x % below; };
  std::vector<CocoObject> objects;
  std::vector<CocoDetection> detections;
  for (int64_t i = 0; i < 1500; ++i) {
    const CocoBox b = {double(random(300)), double(random(300)), 20 + double(random(80)), 20 + double(random(80))};
    const auto image = static_cast<int64_t>(1 + random(60));
    objects.push_back(object(static_cast<int>(1 + random(3)), b, random(12) == 0, image));
    detections.push_back(
        detection(static_cast<int>(1 + random(3)), {b.x + double(random(20)), b.y, b.w, b.h}, 0.5 + double(random(100)) / 200, image));
  }
  const CocoGroundTruth t = truth_of(objects, 60);
  const CocoFigures figures = coco_evaluate(t, detections, {CocoType::bbox, coco_max_dets(1000)});
  std::vector<std::string> texts;
  for (const int threads : {1, 2, 5}) {
    const ContextGuard guard;
    context().threads = threads;
    const Confusions c = find_confusions(t, detections, {});
    texts.push_back(to_json(c));
    CHECK(c.pairs.size() > 8);
    CHECK(std::ranges::is_sorted(c.pairs, [](const auto& a, const auto& b) { return a.count > b.count; }));
    for (size_t k = 0; k < 3; ++k) {
      // The curve at IoU .50 reaches recall right/objects, and no further.
      const double recall = static_cast<double>(c.classes[k].right) / static_cast<double>(figures.per_class[k].objects);
      const std::vector<double>& precision = figures.per_class[k].curves.iou50;
      for (size_t r = 0; r <= 100; ++r) {
        if (std::abs(static_cast<double>(r) / 100 - recall) < 1e-9) continue;
        CHECK((precision[r] > 0) == (static_cast<double>(r) / 100 < recall));
      }
    }
    int64_t right = 0;
    for (const Confusions::Picture& p : c.pictures) right += p.right;
    CHECK(right == c.classes[0].right + c.classes[1].right + c.classes[2].right);
  }
  CHECK(texts[0] == texts[1]);
  CHECK(texts[0] == texts[2]);
}

TEST_CASE("confusions: the worst pictures, by F, errors and number", "[confusions]") {
  Confusions c;
  c.pictures = {{1, 5, 0, 0}, {2, 1, 1, 1}, {3, 0, 1, 0}, {4, 0, 2, 3}, {5, 0, 1, 0}, {6, 0, 0, 0}};
  const auto ids = [&](size_t most) {
    std::vector<int64_t> out;
    for (const Confusions::Picture& p : worst_pictures(c, most)) out.push_back(p.image_id);
    return out;
  };
  CHECK(ids(10) == std::vector<int64_t>{4, 3, 5, 2});
  CHECK(ids(2) == std::vector<int64_t>{4, 3});
  CHECK(ids(0).empty());
}

TEST_CASE("confusions: bad input is an error", "[confusions]") {
  const CocoGroundTruth t = truth_of({object(car, kA)});
  CHECK_THROWS_WITH(find_confusions(t, {detection(4, kA, .9)}, {}), Contains("label must be in 1 ... 3, got 4"));
  CHECK_THROWS_WITH(find_confusions(t, {detection(car, kA, .9, 7)}, {}), Contains("image 7 is not in the ground truth"));
}
