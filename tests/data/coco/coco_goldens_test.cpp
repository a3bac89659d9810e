// cocoapi's figures of annotation and result files as people have them: scripts/golden_coco wrote both.
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "data/coco/coco_dataset.h"
#include "data/coco/coco_lint.h"
#include "data/coco/coco_results.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

const std::string kFolder = MR_SOURCE_DIR "/tests/data/coco/goldens/";

std::map<std::string, double> by_name(const CocoFigures& f) {
  return {{"AP", f.AP},   {"AP50", f.AP50}, {"AP75", f.AP75},   {"APs", f.APs}, {"APm", f.APm}, {"APl", f.APl},
          {"AR1", f.AR1}, {"AR10", f.AR10}, {"AR100", f.AR100}, {"ARs", f.ARs}, {"ARm", f.ARm}, {"ARl", f.ARl}};
}

}  // namespace

TEST_CASE("coco goldens: on odd files the figures are cocoapi's, to 1e-9", "[coco_goldens]") {
  const nlohmann::json golden = nlohmann::json::parse(read_text_file(kFolder + "figures.json"));
  REQUIRE(golden.size() == 5);
  for (const auto& [file, types] : golden.items()) {
    for (const auto& [name, figures] : types.items()) {
      const CocoType type = name == "bbox" ? CocoType::bbox : CocoType::segm;
      const CocoEvalFiles e = coco_eval_files(kFolder + "truth.json", kFolder + file + ".json", type);
      for (const auto& [key, value] : by_name(e.figures)) {
        INFO(file << " " << name << " " << key << ": " << value);
        CHECK(std::abs(value - figures.at(key).get<double>()) < 1e-9);
      }
      CHECK(e.objects == 48);
      CHECK(e.faulty > 0);
      CHECK(e.boxes_as_masks == (file == "boxes" && name == "segm" ? e.detections + e.other_category : 0));
    }
  }
}

TEST_CASE("coco goldens: ground truth without what cocoapi does not ask for has the same figures", "[coco_goldens]") {
  const nlohmann::json golden = nlohmann::json::parse(read_text_file(kFolder + "figures.json"));
  const test::Folder folder;
  nlohmann::json truth = nlohmann::json::parse(read_text_file(kFolder + "truth.json"));
  const std::vector<nlohmann::json> names = {"/data/a.png", "../a.png", "https://host/a.png", nullptr};
  for (size_t k = 0; k < truth["images"].size(); ++k) {
    truth["images"][k]["coco_url"] = "http://host/a.jpg";
    truth["images"][k]["file_name"] = names[k % names.size()];
    if (k % 5 == 4) truth["images"][k].erase("file_name");
  }
  for (nlohmann::json& c : truth["categories"]) c["name"] = c["id"];
  const std::string segm = folder.write("segm.json", truth.dump());
  for (nlohmann::json& im : truth["images"]) im.erase("width"), im.erase("height");
  const std::string bbox = folder.write("bbox.json", truth.dump());
  for (const auto& [name, type] : {std::pair{"bbox", CocoType::bbox}, std::pair{"segm", CocoType::segm}}) {
    const CocoEvalFiles e = coco_eval_files(type == CocoType::bbox ? bbox : segm, kFolder + "both.json", type);
    for (const auto& [key, value] : by_name(e.figures)) {
      INFO(name << " " << key << ": " << value);
      CHECK(std::abs(value - golden["both"][name].at(key).get<double>()) < 1e-9);
    }
  }
  CHECK_THROWS_WITH(coco_eval_files(bbox, kFolder + "both.json", CocoType::segm), Contains("has no width and height, which its masks are"));
  // Boxes taken as masks, of an image that is not there.
  const std::string stranger = folder.write("r.json", R"([{"image_id": 12345, "category_id": 7, "bbox": [1, 1, 5, 5], "score": 1}])");
  CHECK_THROWS_WITH(coco_eval_files(segm, stranger, CocoType::segm), Contains("a result names image 12345, which " + segm + " lacks"));
}

TEST_CASE("coco goldens: the same file as a dataset: what can be learnt is there, lint lists the rest, evaluation counts all",
          "[coco_goldens]") {
  const CocoDataset d(kFolder + "truth.json", "");
  int64_t learnt = 0, counted = 0;
  for (int64_t i = 0; i < d.size(); ++i) {
    for (const Instance& o : d.instances(i)) {
      ++learnt;
      CHECK((o.box.x1 >= 0 && o.box.y1 >= 0 && o.box.width() > 0 && o.box.height() > 0));
      CHECK((o.box.x2 <= static_cast<float>(d.info(i).width) && o.box.y2 <= static_cast<float>(d.info(i).height)));
      CHECK(rle_area(rle_encode(o.mask)) > 0);
    }
    counted += static_cast<int64_t>(d.truth(i, true).size());
  }
  CHECK(counted == 48);
  CHECK(learnt == 48 - d.left_out().objects);
  CHECK(d.left_out().objects >= 18);  // three each of no height, no width, negative, empty, no pixel, outside
  CHECK(d.left_out().masks == 9);     // three each of two points, short parts, short first
  const LintReport lint = lint_coco(kFolder + "truth.json");
  CHECK(lint.errors() == 0);
  int64_t objects = 0, parts = 0;
  for (const LintProblem& p : lint.problems) {
    objects += p.text.find("training does without this object") != std::string::npos;
    parts += p.text.find("masks are made without this part") != std::string::npos;
  }
  CHECK(objects >= d.left_out().objects);
  CHECK(parts == 9);
}
