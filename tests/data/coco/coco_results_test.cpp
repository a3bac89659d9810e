#include "data/coco/coco_results.h"

#include <cmath>
#include <filesystem>

#include "base/check.h"
#include "base/files.h"
#include "base/json_reader.h"
#include "data/coco/coco_dataset.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

const std::vector<int64_t> kIds = {3, 90};

CocoResults boxes(const std::string& text) { return parse_coco_results(text, "r.json", kIds, CocoType::bbox); }
CocoResults masks(const std::string& text) { return parse_coco_results(text, "r.json", kIds, CocoType::segm); }

// The twelve figures in official.json of one type, in its order.
std::vector<double> official(const std::string& path, const std::string& type) {
  std::vector<double> out;
  const std::string text = read_text_file(path);
  JsonReader r(text, path);
  r.object([&](std::string_view key) {
    if (key == type)
      r.object([&](std::string_view) { out.push_back(r.number().value); });
    else
      r.skip();
  });
  return out;
}

}  // namespace

TEST_CASE("coco results: cocoapi's own 24 figures to 1e-9", "[coco_eval]") {
  const std::string root = MR_SOURCE_DIR "/../shared/data/coco_eval/";
  if (!std::filesystem::exists(root)) return skip("no ../shared/data/coco_eval");
  for (const auto& [name, type] : {std::pair{"bbox", CocoType::bbox}, std::pair{"segm", CocoType::segm}}) {
    const CocoEvalFiles e =
        coco_eval_files(root + "instances_val2014_100.json", root + "instances_val2014_fake" + name + "100_results.json", type);
    const CocoFigures& f = e.figures;
    const std::vector<double> ours = {f.AP, f.AP50, f.AP75, f.APs, f.APm, f.APl, f.AR1, f.AR10, f.AR100, f.ARs, f.ARm, f.ARl};
    const std::vector<double> theirs = official(root + "official.json", name);
    REQUIRE(theirs.size() == 12);
    for (size_t i = 0; i < 12; ++i) {
      INFO(name << " " << i << ": " << ours[i] << " " << theirs[i]);
      CHECK(std::abs(ours[i] - theirs[i]) < 1e-9);
    }
    CHECK(e.images == 100);
    CHECK(f.per_class.size() == 80);
  }
}

TEST_CASE("coco results: real ground truth as detections scores 1", "[coco_eval]") {
  const std::string root = MR_SOURCE_DIR "/../shared/data/";
  if (!std::filesystem::exists(root + "coco100")) return skip("no ../shared/data/coco100");
  const CocoDataset d(root + "coco100/instances_train2017.json", root + "coco100/images");
  const CocoGroundTruth t = coco_ground_truth(d);
  CHECK(coco_self_check(t, CocoType::bbox) == Approx(1.0));
  CHECK(coco_self_check(t, CocoType::segm) == Approx(1.0));
}

TEST_CASE("coco results: read, written and read again", "[coco_results]") {
  const CocoResults r = boxes(R"([{"image_id": 7, "category_id": 90, "bbox": [1.5, 2, 3.25, 4], "score": 0.1},
                                  {"image_id": 8, "category_id": 4, "bbox": [1, 2, 3, 4], "score": 0.2}])");
  REQUIRE(r.detections.size() == 1);
  CHECK(r.other_category == 1);
  CHECK(r.detections[0].label == 2);
  CHECK(r.detections[0].area == 13);
  const std::string text = coco_results_json(r.detections, kIds, CocoType::bbox);
  CHECK(text == "[\n {\"image_id\": 7, \"category_id\": 90, \"bbox\": [1.5, 2, 3.25, 4], \"score\": 0.1}\n]\n");
  CHECK(coco_results_json(boxes(text).detections, kIds, CocoType::bbox) == text);

  const CocoResults m = masks(R"([{"image_id": 7, "category_id": 3, "segmentation": {"size": [4, 6], "counts": "02f0"}, "score": 0.1},
                                  {"image_id": 7, "category_id": 3, "segmentation": {"size": [4, 6], "counts": [1, 2, 21]}, "score": 1}])");
  CHECK(m.detections[0].mask.counts == std::vector<uint32_t>{0, 2, 22});
  CHECK_FALSE(m.detections[0].area);  // that of the mask
  const std::string written = coco_results_json(m.detections, kIds, CocoType::segm);
  CHECK(written.find("bbox") == std::string::npos);
  CHECK(coco_results_json(masks(written).detections, kIds, CocoType::segm) == written);
  CHECK(boxes("[]").detections.empty());
  CHECK(coco_results_json({}, kIds, CocoType::segm) == "[\n]\n");
}

TEST_CASE("coco results: cocoapi's way with results that hold boxes and masks", "[coco_results]") {
  const std::string both =
      R"([{"image_id": 7, "category_id": 3, "bbox": [0, 0, 5, 5], "segmentation": {"size": [4, 6], "counts": "02f0"}, "score": 0.1}])";
  CHECK(masks(both).detections[0].area == 25);  // that of the box
  const std::string mask = R"([{"image_id": 7, "category_id": 3, "segmentation": {"size": [4, 6], "counts": [1, 2, 21]}, "score": 0.1}])";
  CHECK(boxes(mask).detections[0].box.y == 1);  // around the mask
  CHECK(boxes(mask).detections[0].box.h == 2);
  CHECK(boxes(mask).detections[0].area == 2);
}

TEST_CASE("coco results: the first record tells what all hold, and other members are passed over", "[coco_results]") {
  const auto rows = [](const std::string& first, const std::string& second) {
    return R"([{"image_id": 7.0, "category_id": 3, "score": 1, )" + first + R"(}, {"image_id": 7, "category_id": 3, "score": 0.5, )" +
           second + "}]";
  };
  const std::string box = R"("bbox": [1, 1, 2, 2])", square = R"("segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]])",
                    runs = R"("segmentation": {"size": [4, 6], "counts": "02f0"})";
  const CocoImageSizes sizes = {{7, {4, 6}}};
  const auto read = [&](const std::string& text, CocoType type) {
    return parse_coco_results(text, "r.json", kIds, type, sizes).detections;
  };
  // Boxes: segmentations are not looked at, whatever they are.
  const auto d =
      read(rows(R"("segmentation": "what?", "id": 4, "iscrowd": 1, "more": {"a": [null]}, )" + box, R"("segmentation": [], )" + box),
           CocoType::bbox);
  CHECK(d.size() == 2);
  CHECK(d[1].area == 4);
  // Masks of the same: polygons, runs, and where there are none the box.
  const CocoResults m = parse_coco_results(rows(square + ", " + box, box), "r.json", kIds, CocoType::segm, sizes);
  CHECK(m.boxes_as_masks == 1);
  CHECK(rle_area(m.detections[0].mask) == 4);
  CHECK(m.detections[0].mask == m.detections[1].mask);
  CHECK_THROWS_WITH(read(rows(box, square), CocoType::segm), Contains("results[1] (image 7): bbox: is missing"));
  // Masks: a box of a record's own is kept, the area is that of the mask.
  const auto own = read(rows(runs, runs + ", " + box), CocoType::bbox);
  CHECK(own[0].box.x == 0);
  CHECK(own[1].box.x == 1);
  CHECK(own[1].area == 2);
  CHECK_THROWS_WITH(read(rows(runs, box), CocoType::bbox), Contains("results[1] (image 7): segmentation: is missing"));
  CHECK_THROWS_WITH(masks(rows(square, square)), Contains("image_id: a mask of polygons needs the size of its image"));
  CHECK_THROWS_WITH(parse_coco_results(rows(square, square), "r.json", kIds, CocoType::segm, {{7, {0, 0}}}),
                    Contains("results[0] (image 7): image_id: a mask of polygons needs the size of its image"));
  // A side below 0 covers nothing, as in cocoapi.
  CHECK(*read(rows(R"("bbox": [5, 5, -2, 3])", box), CocoType::bbox)[0].area == -6);
}

TEST_CASE("coco results: faults name result, image and field", "[coco_results]") {
  CHECK_THROWS_WITH(boxes("{}"),
                    Contains("r.json: line 1, column 1 (byte 0): expected an array of results, got an object (an annotation file?"));
  CHECK_THROWS_WITH(boxes("[5]"), Contains("r.json: results[0]: must be an object, got 5"));
  CHECK_THROWS_WITH(boxes(R"([{"category_id": 3, "bbox": [0, 0, 5, 5], "score": 1}])"), Contains("results[0]: image_id: is missing"));
  CHECK_THROWS_WITH(boxes(R"([{"image_id": 7, "bbox": [0, 0, 5, 5], "score": 1}])"),
                    Contains("results[0] (image 7): category_id: is missing"));
  CHECK_THROWS_WITH(boxes(R"([{"image_id": 7, "category_id": 3, "bbox": [0, 0, 5, 5]}])"), Contains("score: is missing"));
  CHECK_THROWS_WITH(boxes(R"([{"image_id": 7, "category_id": 3, "bbox": [0, 0, 5, 5], "score": NaN}])"),
                    Contains("score: must be finite, got nan"));
  CHECK_THROWS_WITH(boxes(R"([{"image_id": 7, "category_id": 3, "bbox": [0, 0, 5], "score": 1}])"), Contains("got 3 numbers"));
  CHECK_THROWS_WITH(boxes(R"([{"image_id": 7, "category_id": 3, "score": 1}])"), Contains("bbox: is missing"));
  CHECK_THROWS_WITH(boxes(R"([{"image_id": "7"}])"), Contains("image_id: must be an integer of 64 bits, got \"7\", a text"));
  CHECK_THROWS_WITH(masks(R"([{"image_id": 7, "category_id": 3, "score": 1}])"), Contains("segmentation: is missing"));
  CHECK_THROWS_WITH(boxes(R"([{"image_id": 7, "category_id": 3, "keypoints": [1, 2, 2], "score": 1}])"),
                    Contains("results of keypoints are not evaluated"));
  CHECK_THROWS_WITH(boxes(R"([{"image_id": 7, "caption": "a cat"}])"), Contains("captions are not evaluated"));
  const auto mask = [](const std::string& m) { return R"([{"image_id": 7, "category_id": 3, "score": 1, "segmentation": )" + m + "}]"; };
  CHECK_THROWS_WITH(masks(mask("[]")), Contains("(image 7): segmentation: must be {size, counts} or polygons, got none"));
  CHECK_THROWS_WITH(masks(mask(R"({"size": [4, 6], "counts": "02Q"})")), Contains("segmentation: rle: the string ends inside a number"));
  CHECK_THROWS_WITH(masks(mask(R"({"size": [4], "counts": "02Q"})")), Contains("size of [height, width]"));
  CHECK_THROWS_WITH(masks(mask(R"({"size": [4, 6]})")), Contains("must have counts"));
  CHECK_THROWS_WITH(coco_results_json({CocoDetection{7, 3, 1, {}, {}, {}}}, kIds, CocoType::bbox),
                    Contains("label must be in 1 ... 2, got 3"));
  CHECK_THROWS_WITH(write_coco_results("/no/such/folder/r.json", {}, kIds, CocoType::bbox), Contains("/no/such/folder/r.json: "));
  CHECK_THROWS_WITH(coco_eval_files("/no/such/gt.json", "/no/such/dt.json", CocoType::bbox),
                    Contains("/no/such/gt.json: there is no such file"));
}
