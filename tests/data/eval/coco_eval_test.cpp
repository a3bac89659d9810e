#include "data/eval/coco_eval.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "tensor/context.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

CocoGroundTruth truth_of(std::vector<CocoObject> objects, int64_t images = 1, int classes = 1) {
  CocoGroundTruth t;
  for (int k = 1; k <= classes; ++k) t.class_names.push_back(str("class ", k)), t.category_ids.push_back(10 * k);
  for (int64_t i = 1; i <= images; ++i) t.image_ids.push_back(i);
  t.objects = std::move(objects);
  return t;
}
CocoObject object(int64_t id, CocoBox b, bool crowd = false, int64_t image = 1, int label = 1) {
  return {id, image, label, b, {}, b.w * b.h, crowd};
}
CocoDetection detection(CocoBox b, double score, int64_t image = 1, int label = 1) { return {image, label, score, b, {}, {}}; }
Rle rectangle(int h, int w, int x1, int y1, int x2, int y2) {
  Bitmap m(h, w);
  for (int y = y1; y < y2; ++y)
    for (int x = x1; x < x2; ++x) m.at(y, x) = 1;
  return rle_encode(m);
}

constexpr CocoBox kA = {0, 0, 50, 50}, kB = {100, 0, 50, 50}, kNowhere = {300, 300, 50, 50};

}  // namespace

TEST_CASE("coco ap: two objects, found at .9 and .7, a false one at .8: 0.834983", "[coco_eval]") {
  const CocoGroundTruth t = truth_of({object(1, kA), object(2, kB)});
  const CocoFigures f = coco_evaluate(t, {detection(kA, .9), detection(kNowhere, .8), detection(kB, .7)});
  CHECK(std::abs(f.AP - 0.834983) < 5e-7);
  CHECK(std::abs(f.AP - (51 + 50 * 2.0 / 3) / 101) < 1e-12);
  CHECK(f.AP50 == Approx(f.AP));
  CHECK(f.AR1 == 0.5);
  CHECK(f.AR10 == 1);
  CHECK(f.APs == -1);
  CHECK(f.APm == Approx(f.AP));
  REQUIRE(f.per_class.size() == 1);
  CHECK(f.per_class[0].AP == f.AP);
  CHECK(f.per_class[0].AP50 == f.AP50);
  CHECK(f.per_class[0].AP75 == f.AP75);
  CHECK(f.per_class[0].objects == 2);
}

TEST_CASE("coco ap: the curves of a class, and their mean over the classes that have objects", "[coco_eval]") {
  // Class 1: found at IoU .72, five thresholds of ten. Class 2: one of two, exactly. Class 3: a crowd alone. Class 4: nothing.
  const CocoGroundTruth t =
      truth_of({object(1, {0, 0, 100, 100}), object(2, kA, false, 1, 2), object(3, kB, false, 1, 2), object(4, kB, true, 1, 3)}, 1, 4);
  const CocoFigures f = coco_evaluate(t, {detection({0, 0, 100, 72}, .9), detection(kA, .8, 1, 2), detection(kNowhere, .7, 1, 4)});
  const auto check_curve = [](const std::vector<double>& curve, double first, double second) {
    REQUIRE(curve.size() == 101);
    for (size_t k = 0; k < curve.size(); ++k) CHECK(curve[k] == Approx(k <= 50 ? first : second));
  };
  check_curve(f.per_class[0].curves.iou50, 1, 1);
  check_curve(f.per_class[0].curves.iou75, 0, 0);
  check_curve(f.per_class[0].curves.mean, .5, .5);
  check_curve(f.per_class[1].curves.iou50, 1, 0);
  check_curve(f.per_class[1].curves.iou75, 1, 0);
  check_curve(f.per_class[1].curves.mean, 1, 0);
  check_curve(f.curves.iou50, 1, .5);
  check_curve(f.curves.iou75, .5, 0);
  check_curve(f.curves.mean, .75, .25);
  for (const size_t none : {2, 3}) {
    CHECK(f.per_class[none].objects == 0);
    CHECK(f.per_class[none].AP50 == -1);
    CHECK(f.per_class[none].curves.mean.empty());
  }
  double area = 0;
  for (const double precision : f.curves.mean) area += precision / 101;
  CHECK(area == Approx(f.AP));
  CHECK(coco_evaluate(truth_of({}), {}).curves.iou50.empty());
}

TEST_CASE("coco ap: IoU 0.72 counts at five thresholds of ten", "[coco_eval]") {
  const CocoFigures f = coco_evaluate(truth_of({object(1, {0, 0, 100, 100})}), {detection({0, 0, 100, 72}, .9)});
  CHECK(f.AP == Approx(0.5));
  CHECK(f.AP50 == Approx(1.0));
  CHECK(f.AP75 == 0);
  CHECK(f.AR100 == Approx(0.5));
}

TEST_CASE("coco ap: an IoU exactly at a threshold counts", "[coco_eval]") {
  CHECK(coco_evaluate(truth_of({object(1, {0, 0, 100, 100})}), {detection({0, 0, 100, 75}, .9)}).AP75 == Approx(1.0));
}

TEST_CASE("coco ap: of objects that overlap alike, the later is taken, each once", "[coco_eval]") {
  // Both objects are one box; the second detection overlaps it less and takes what is left.
  const CocoFigures f = coco_evaluate(truth_of({object(1, kA), object(2, kA)}), {detection(kA, .9), detection({0, 0, 50, 40}, .8)});
  CHECK(f.AP50 == Approx(1.0));
  const CocoFigures twice =
      coco_evaluate(truth_of({object(1, kA), object(2, kB)}), {detection(kA, .9), detection(kA, .8), detection(kB, .7)});
  CHECK(twice.AP50 == Approx((51 + 50 * 2.0 / 3) / 101));
}

TEST_CASE("coco ap: crowds are ignored, match again and again, by share of the detection", "[coco_eval]") {
  const CocoGroundTruth t = truth_of({object(1, {200, 0, 200, 200}, true), object(2, kA)});
  const CocoFigures f = coco_evaluate(t, {detection({210, 10, 50, 50}, .9), detection({220, 20, 50, 50}, .8), detection(kA, .7)});
  CHECK(f.AP == Approx(1.0));
  CHECK(f.AR100 == 1);
  const CocoFigures half_out = coco_evaluate(t, {detection({170, 10, 50, 50}, .9), detection(kA, .7)});
  CHECK(half_out.AP50 == Approx(0.5));  // two fifths inside: a false positive
}

TEST_CASE("coco ap: a real object is preferred to a crowd that overlaps more", "[coco_eval]") {
  const CocoGroundTruth t = truth_of({object(1, {0, 0, 200, 200}, true), object(2, kA)});
  CHECK(coco_evaluate(t, {detection({0, 0, 50, 40}, .9)}).AP50 == Approx(1.0));
}

TEST_CASE("coco ap: small, medium and large by area, bounds in both", "[coco_eval]") {
  const CocoGroundTruth t = truth_of({object(1, {0, 0, 32, 32}), object(2, {100, 0, 96, 96})});
  CocoFigures f = coco_evaluate(t, {detection({0, 0, 32, 32}, .9)});
  CHECK(f.APs == Approx(1.0));
  CHECK(f.APm == Approx(51.0 / 101));  // 32² is small and medium, 96² medium and large
  CHECK(f.APl == 0);
  // A false detection counts only in its own range.
  f = coco_evaluate(t, {detection({300, 300, 10, 10}, .95), detection({0, 0, 32, 32}, .9), detection({100, 0, 96, 96}, .8)});
  CHECK(f.APs == Approx(0.5));
  CHECK(f.APm == Approx(1.0));
  CHECK(f.APl == Approx(1.0));
}

TEST_CASE("coco ap: a stated area overrules that of the box", "[coco_eval]") {
  CocoDetection far = detection({300, 300, 10, 10}, .95);
  far.area = 5000;
  const CocoFigures f = coco_evaluate(truth_of({object(1, {0, 0, 32, 32})}), {far, detection({0, 0, 32, 32}, .9)});
  CHECK(f.APs == Approx(1.0));
  CHECK(f.APm == Approx(0.5));
}

TEST_CASE("coco ap: cocoapi's trap of an object with id 0", "[coco_eval]") {
  const CocoGroundTruth t = truth_of({object(0, kA), object(1, kB)});
  const CocoFigures f = coco_evaluate(t, {detection(kA, .9), detection(kB, .8)});
  CHECK(f.AP == Approx(51 * 0.5 / 101));
  CHECK(f.AR100 == 0.5);
  CHECK(coco_self_check(t, CocoType::bbox) < 0.9);
  CHECK(coco_self_check(truth_of({object(7, kA), object(1, kB)}), CocoType::bbox) == Approx(1.0));
}

TEST_CASE("coco ap: no more than max_dets of an image and class, and the last of them makes AP", "[coco_eval]") {
  std::vector<CocoDetection> d;
  for (int i = 0; i < 20; ++i) d.push_back(detection(kNowhere, .9));
  d.push_back(detection(kA, .5));
  const CocoGroundTruth t = truth_of({object(1, kA)});
  CHECK(coco_evaluate(t, d).AP == Approx(1.0 / 21));
  const CocoFigures f = coco_evaluate(t, d, {CocoType::bbox, coco_max_dets(20)});
  CHECK(f.AP == 0);
  CHECK(f.AR100 == 0);
  CHECK(coco_max_dets(5) == std::array<int, 3>{1, 5, 5});
}

TEST_CASE("coco ap: equal scores keep the order of images by id, then of detections", "[coco_eval]") {
  CocoGroundTruth t = truth_of({object(1, kA, false, 1), object(2, kA, false, 2)}, 2);
  t.image_ids = {2, 1};
  // Image 1's detection is right, image 2's wrong: right first.
  CHECK(coco_evaluate(t, {detection(kNowhere, .5, 2), detection(kA, .5, 1)}).AP == Approx(51.0 / 101));
  CHECK(coco_evaluate(t, {detection(kA, .5, 2), detection(kNowhere, .5, 1)}).AP == Approx(51 * 0.5 / 101));
}

TEST_CASE("coco ap: classes without objects count nowhere, but their detections are not lost sight of", "[coco_eval]") {
  const CocoGroundTruth t = truth_of({object(1, kA)}, 2, 3);
  const CocoFigures f = coco_evaluate(t, {detection(kA, .9), detection(kB, .9, 2, 2)});
  CHECK(f.AP == Approx(1.0));
  CHECK(f.per_class[1].AP == -1);
  CHECK(f.per_class[2].AP == -1);
  CHECK(coco_evaluate(truth_of({}), {detection(kA, .9)}).AP == -1);
  CHECK(coco_evaluate(truth_of({object(1, kA)}), {}).AP == 0);
}

TEST_CASE("coco ap: masks", "[coco_eval]") {
  CocoGroundTruth t = truth_of({object(1, {0, 0, 1, 1}), object(2, {0, 0, 1, 1}, true)});
  t.objects[0].mask = rectangle(40, 60, 5, 5, 25, 25);
  t.objects[1].mask = rectangle(40, 60, 30, 0, 60, 40);
  std::vector<CocoDetection> d(3);
  for (CocoDetection& one : d) one.image_id = one.label = 1;
  d[0].score = .9, d[0].mask = rectangle(40, 60, 5, 5, 25, 21);   // IoU .8: seven thresholds
  d[1].score = .8, d[1].mask = rectangle(40, 60, 35, 5, 40, 10);  // in the crowd
  d[2].score = .7, d[2].mask = rectangle(40, 60, 0, 0, 1, 1);
  const CocoFigures f = coco_evaluate(t, d, {CocoType::segm, {1, 10, 100}});
  CHECK(f.AP == Approx(0.7));
  CHECK(f.AP75 == Approx(1.0));
  CHECK(coco_self_check(t, CocoType::segm) == Approx(1.0));
  d[0].mask = rectangle(60, 40, 0, 0, 1, 1);
  CHECK_THROWS_WITH(coco_evaluate(t, d, {CocoType::segm, {1, 10, 100}}),
                    Contains("image 1: a detection's mask must have the size of annotation 1, 40x60, got 60x40"));
}

TEST_CASE("coco ap: the same bits for any number of threads", "[coco_eval]") {
  uint64_t x = 88172645463325252u;
  const auto random = [&x](uint64_t below) { return x ^= x << 13, x ^= x >> 7, x ^= x << 17, x % below; };
  std::vector<CocoObject> objects;
  std::vector<CocoDetection> detections;
  for (int64_t i = 0; i < 2000; ++i) {
    const CocoBox b = {double(random(300)), double(random(300)), 1 + double(random(200)), 1 + double(random(200))};
    const auto image = static_cast<int64_t>(1 + random(50));
    const auto label = static_cast<int>(1 + random(5));
    objects.push_back(object(i + 1, b, random(10) == 0, image, label));
    detections.push_back(detection({b.x + double(random(20)), b.y, b.w, b.h}, double(random(100)) / 100, image, label));
  }
  const CocoGroundTruth t = truth_of(objects, 50, 5);
  std::vector<std::string> texts;
  for (const int threads : {1, 2, 5}) {
    const ContextGuard guard;
    context().threads = threads;
    texts.push_back(to_json(coco_evaluate(t, detections)));
  }
  CHECK(texts[0] == texts[1]);
  CHECK(texts[0] == texts[2]);
  CHECK(coco_evaluate(t, detections).AP > 0.1);
}

TEST_CASE("coco ap: as JSON and text", "[coco_eval]") {
  CocoFigures f;
  f.AP = 0.25;
  f.per_class = {{"cat \"x\"", 1, 0.5, 0.75, 0.25, 7}, {"dog", 2}, {"dog", 3, 0, 0, 0, 1}};
  CHECK(to_json(f) ==
        R"({"AP": 0.25, "AP50": -1, "AP75": -1, "APs": -1, "APm": -1, "APl": -1, "AR1": -1, "AR10": -1, "AR100": -1, "ARs": -1, )"
        R"("ARm": -1, "ARl": -1, "per_class": {"cat \"x\"": {"AP": 0.5, "AP50": 0.75, "AP75": 0.25, "objects": 7}, )"
        R"("dog #2": {"AP": -1, "AP50": -1, "AP75": -1, "objects": 0}, "dog #3": {"AP": 0, "AP50": 0, "AP75": 0, "objects": 1}}})");
  CHECK(to_text(f).find("AP      0.2500") == 0);
}

TEST_CASE("coco ap: bad input is an error", "[coco_eval]") {
  const CocoGroundTruth t = truth_of({object(1, kA)});
  CHECK_THROWS_WITH(coco_evaluate(t, {detection(kA, .9), detection(kA, .9, 42)}),
                    Contains("detection 1: image 42 is not in the ground truth"));
  CHECK_THROWS_WITH(coco_evaluate(t, {detection(kA, .9, 1, 2)}), Contains("detection 0 (image 1): label must be in 1 ... 1, got 2"));
  CHECK_THROWS_WITH(coco_evaluate(t, {detection(kA, std::nan(""))}), Contains("score must be finite, got nan"));
  CHECK_THROWS_WITH(coco_evaluate(t, {detection({0, 0, HUGE_VAL, 1}, .5)}), Contains("box and area must be finite"));
  CHECK_THROWS_WITH(coco_evaluate(truth_of({object(1, kA, false, 2)}), {}), Contains("object 0: image 2"));
  CHECK_THROWS_WITH(coco_evaluate(truth_of({object(1, kA, false, 1, 0)}), {}), Contains("annotation 1: label"));
  CHECK_THROWS_WITH(coco_evaluate(t, {}, {CocoType::bbox, {1, 10, 5}}), Contains("must rise from 1, got 1, 10, 5"));
  CocoGroundTruth twice = t;
  twice.image_ids = {1, 1};
  CHECK_THROWS_WITH(coco_evaluate(twice, {}), Contains("image 1 stands twice"));
}
