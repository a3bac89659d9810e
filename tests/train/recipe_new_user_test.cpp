// What recipe new decides and tells where a base, the data or the weights would make it go wrong
// unsaid.
#include <cmath>

#include "base/files.h"
#include "tests/catch.h"
#include "tests/train/own_data.h"
#include "train/measured_data.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("recipe new: without weights nothing is frozen, and that is told", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  for (const char* base : {"nuclei_r50_fpn", "coco_r50_fpn_torchvision", "nuclei_small", "scenes_small"}) {
    INFO(base);
    o.base = base;
    const NewRecipe n = new_recipe(o);
    const Recipe r = recipe_from_toml(n.toml, "mine.toml"), b = load_recipe(base);
    CHECK(resnet(r).norm != NormKind::frozen);
    CHECK(resnet(r).freeze == 0);
    const bool frozen = resnet(b).norm == NormKind::frozen;
    if (!frozen) CHECK(resnet(r).norm == resnet(b).norm);
    const bool told =
        flat(n.told).find("Without --init all start from random values, so all are trained, with norms of their own") != std::string::npos;
    CHECK(told == frozen);
  }
  o.base = "nuclei_r50_fpn";
  o.init = classifier_file(folder, 50, 1000);
  CHECK(resnet(made(o)).norm == NormKind::frozen);
  CHECK(resnet(made(o)).freeze == 2);
  // Group norm wants groups of 32 channels.
  write_text_file(folder / "narrow.toml", "base = \"nuclei_r50_fpn\"\n[model.backbone]\nwidth = 48\n");
  o.base = folder / "narrow.toml";
  o.init.clear();
  CHECK(resnet(made(o)).norm == NormKind::batch);
}

TEST_CASE("recipe new: as many objects count for AP as may be found", "[recipe_new]") {
  const Folder folder;
  const Recipe few = made(pictures(folder, 30, two_classes));
  CHECK(rcnn(few).box.detections == 100);
  CHECK(few.evaluation.max_detections == 100);
  const NewRecipe n = new_recipe(pictures(folder, 30, {std::vector<BoxOf>(130, {1, 12, 12})}, "dense"));
  const Recipe dense = recipe_from_toml(n.toml, "mine.toml");
  CHECK(rcnn(dense).box.detections == 200);
  CHECK(dense.evaluation.max_detections == 200);
  CHECK_THROWS_WITH(throw Error(flat(n.told)), Contains("evaluation.max_detections = 200") &&
                                                   Contains("As many as may be found count for AP (COCO's own figures count 100)"));
}

TEST_CASE("recipe new: how large objects become is what is told, for detectors and others, in crops and whole images", "[recipe_new]") {
  const Folder folder;
  // By the size of objects in pictures of 160 × 120, which are too small for crops, and of 480 ×
  // 360.
  const auto check_told = [&](const NewRecipeOptions& o, double object, double wanted, const char* what, const char* bound) {
    const NewRecipe n = new_recipe(o);
    const Recipe r = recipe_from_toml(n.toml, "mine.toml");
    const bool crops = r.augment.crop_size > 0;
    const double scale = crops ? r.preprocess.enlarge : static_cast<double>(r.preprocess.min_side) / (object < 20 ? 360 : 120);
    INFO(n.told);
    const std::string told = flat(n.told);
    CHECK_THAT(told, Contains("The median object is then " + std::to_string(std::llround(object * scale)) + " pixels, ") ||
                         Contains("the median object is then " + std::to_string(std::llround(object * scale)) + " pixels, "));
    CHECK_THAT(told, Contains(what));
    const bool reached = std::abs(object * scale - wanted) <= 0.1 * wanted;
    CHECK((told.find(bound) == std::string::npos) == reached);
    return reached;
  };
  const double anchors = std::sqrt(64.0 * 128.0);
  NewRecipeOptions whole = pictures(folder, 30, {{{1, 40, 40}}}), small = pictures(folder, 30, {{{1, 16, 16}}}, "small", 480, 360);
  const char *sides = "a shorter side of 256 to 800 pixels, enlarged by 2 at most, allows", *enlarging = "enlarging by 1 to 2 allows";
  CHECK_FALSE(check_told(whole, 40, 48, "where 48 are wanted", sides));  // 256 is the least
  CHECK(check_told(small, 16, 30, "where 30 are wanted", enlarging));
  whole.init = small.init = detector_file(folder, 50, 90);
  CHECK(check_told(whole, 40, anchors, "between the second and third anchor of the weights (90.5)", sides));
  CHECK_FALSE(check_told(small, 16, anchors, "between the second and third anchor of the weights (90.5)", enlarging));
}

TEST_CASE("recipe new: images a step and their rate are told", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  CHECK_THROWS_WITH(
      throw Error(flat(new_recipe(o).told)),
      Contains("train.batch = 4 optimiser.lr = 0.03 schedule.for_batch = 0 As the base has it: 4 images a step, at a rate of 0.03"));
  o.base = "nuclei_r50_fpn";
  CHECK_THROWS_WITH(throw Error(flat(new_recipe(o).told)), Contains("4 images a step, at a rate of 0.005. Another batch scales the rate"));
  o.base.clear();
  o.init = detector_file(folder, 50, 90);
  const NewRecipe n = new_recipe(o);
  CHECK_THROWS_WITH(throw Error(flat(n.told)),
                    Contains("train.batch = 2 As the base has it: 2 images a step, at a rate of 0.00125.") &&
                        Contains("Half the rate that these weights were trained with (0.02 for 16 images a step)"));
  CHECK(n.toml.ends_with("\n"));
}

TEST_CASE("recipe new: one image and one object are one", "[recipe_new]") {
  const Folder folder;
  const NewRecipe n = new_recipe(pictures(folder, 1, {{{1, 40, 40}}}));
  CHECK_THROWS_WITH(throw Error(flat(n.told)),
                    Contains("1 image, 1 object of 2 classes") && Contains("1 image is too few to set some apart"));
  CHECK(recipe_from_toml(n.toml, "mine.toml").about == "1 image of train.json");
}
