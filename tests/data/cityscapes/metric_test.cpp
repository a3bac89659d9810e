#include "data/cityscapes/metric.h"

#include "base/check.h"
#include "data/cityscapes/dataset.h"
#include "data/cityscapes/results.h"
#include "data/coco/coco_dataset.h"
#include "tests/catch.h"
#include "tests/data/cityscapes/drawn_city.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

std::vector<Detection> true_ones(const Dataset& d, int64_t index) {
  std::vector<Detection> found;
  for (const Instance& i : d.instances(index))
    if (!i.crowd) found.push_back({i.label, 0.9F, i.box, i.mask});
  return found;
}

std::unique_ptr<Judgement> judged(CityscapesMetric& metric, const Dataset& d, size_t left_out = 0) {
  metric.begin();
  for (int64_t i = 0; i < d.size(); ++i) {
    std::vector<Detection> found = true_ones(d, i);
    found.resize(found.size() - std::min(found.size(), left_out));
    metric.add(i, found);
  }
  return metric.finish();
}

}  // namespace

TEST_CASE("cityscapes metric: the true objects of drawn scenes score 1, beside COCO's figures", "[cityscapes]") {
  const auto scenes = std::make_shared<SceneDataset>(test::drawn_scenes(4));
  CityscapesMetric metric(scenes, {}, true);
  const std::unique_ptr<Judgement> j = judged(metric, *scenes);
  CHECK(j->score == Approx(1));
  CHECK_THAT(j->summary, Contains("Cityscapes AP 1.000 (AP50 1.000), mask AP 1.000"));
  REQUIRE(j->figures.size() == 3);
  CHECK(j->figures[2].first == "cityscapes");
  CHECK(j->tables.front().title == "Cityscapes' figures");
  const auto* coco = dynamic_cast<const CocoJudgement*>(j.get());
  REQUIRE(coco != nullptr);
  CHECK(coco->segm.AP == Approx(1));
  const double fewer = judged(metric, *scenes, 1)->score;  // used again
  CHECK(fewer < 1);
  CityscapesMetric second(scenes, {}, false);
  const std::unique_ptr<Judgement> by_coco = judged(second, *scenes, 1);
  CHECK(by_coco->score == dynamic_cast<const CocoJudgement*>(by_coco.get())->segm.AP);
}

TEST_CASE("cityscapes metric: the same figures as of result files", "[cityscapes]") {
  const test::DrawnCity city(2, "val");
  CityscapesOptions options;
  options.splits = {"val"};
  const auto data = std::make_shared<CityscapesDataset>(city.root, options);
  CityscapesMetric metric(data, {}, true);
  const CityscapesResultWriter writer(city.folder / "results");
  metric.begin();
  for (int64_t i = 0; i < data->size(); ++i) {
    std::vector<Detection> found = true_ones(*data, i);
    std::vector<CityscapesPrediction> written;
    for (size_t k = 0; k < found.size(); ++k) {  // some of them off, and of another score
      Detection& d = found[k];
      d.mask.x0 += static_cast<int>(k % 3);
      d.mask = rle_crop(rle_encode(d.mask));
      d.score = 1.0F / static_cast<float>(k + 2);
      written.push_back({static_cast<int>(data->category_ids()[static_cast<size_t>(d.label) - 1]), d.score, d.mask});
    }
    metric.add(i, found);
    writer.image(data->frame(i).name, written);
  }
  const std::unique_ptr<Judgement> j = metric.finish();
  CHECK(j->score > 0);
  CHECK(j->score < 1);
  CHECK(j->figures.back().second == to_json(cityscapes_eval_folders(city.root + "/gtFine/val", city.folder / "results").figures));
}

TEST_CASE("cityscapes metric: needs instance ids and classes of Cityscapes", "[cityscapes]") {
  const test::Folder folder;
  const std::string file =
      folder.write("a.json", R"({"images": [{"id": 1, "width": 6, "height": 4, "file_name": "a.png"}], "annotations": [],
      "categories": [{"id": 1, "name": "car"}]})");
  const auto coco = std::make_shared<CocoDataset>(file, "");
  CHECK_THROWS_WITH(CityscapesMetric(coco, {}, true),
                    Contains("expected Cityscapes' folders or drawn scenes, got data without instance ids"));
}
