#include "train/recipe_new.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include "base/files.h"
#include "base/json_text.h"
#include "models/weights/safetensors.h"
#include "tests/catch.h"
#include "tests/train/own_data.h"
#include "train/length.h"
#include "train/measured_data.h"
#include "train/plan.h"
#include "train/pretrained.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

std::set<int64_t> ids_of(const Dataset& d) {
  std::set<int64_t> ids;
  for (int64_t i = 0; i < d.size(); ++i) ids.insert(d.info(i).image_id);
  return ids;
}

// What training loads with the recipe.
std::string loaded(const Recipe& r) {
  const auto data = open_dataset(r, Split::train);
  Detector d = make_detector(r, classes_of(r, *data));
  return init_weights(d);
}

}  // namespace

TEST_CASE("recipe new: a tenth of the images is set apart by id, and the paths start from one folder", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  const NewRecipe n = new_recipe(o);
  const Recipe r = recipe_from_toml(n.toml, "mine.toml");
  CHECK(r.data.root == folder / "data");
  CHECK(r.data.train_annotations == "train.json");
  CHECK(r.data.train_images == "images");
  CHECK(r.data.val_share == 0.1);
  const auto train = open_dataset(r, Split::train), val = open_dataset(r, Split::val);
  CHECK(train->size() == 27);
  CHECK(val->size() == 3);
  std::set<int64_t> all = ids_of(*train);
  for (const int64_t id : ids_of(*val)) CHECK(all.insert(id).second);
  CHECK(all.size() == 30);
  CHECK(ids_of(*open_dataset(made(o), Split::val)) == ids_of(*val));
  CHECK_THROWS_WITH(throw Error(flat(n.told)), Contains("30 images, 45 objects of 2 classes; based on nuclei_small") &&
                                                   Contains("data.val_share = 0.1") && Contains("3 of the 30 images, with ") &&
                                                   Contains("drawn by their ids; 27 are learnt from"));
  // Another machine, or a folder that was moved, is one setting.
  std::filesystem::rename(folder / "data", folder / "moved");
  CHECK_THROWS_WITH(open_dataset(r, Split::train), Contains("--set data.root=DIR"));
  const Recipe there = recipe_from_toml(n.toml, "mine.toml", {"data.root=" + (folder / "moved")});
  CHECK(open_dataset(there, Split::train)->size() == 27);
  CHECK(open_dataset(there, Split::val)->sample(0).image.width == 160);
}

TEST_CASE("recipe new: texts of the data and names of files set nothing in the file", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 4, two_classes);
  std::string text = read_text_file(o.annotations);
  const auto rename = [&text](const std::string& from, const std::string& to) {
    text.replace(text.find(json_string(from)), from.size() + 2, json_string(to));
  };
  rename("cat", "red\nseed = 999\nabout = \"injected\"\n#");
  rename("dog", std::string("a\x1b\0z", 4));
  o.annotations = folder.write("data/my\n[data]\nroot = \"x\".json", text);
  o.name = "my \"data\"\n\x1b";
  const std::string toml = new_recipe(o).toml;
  INFO(toml);
  const Recipe r = recipe_from_toml(toml, "mine.toml");
  CHECK(r.seed == Recipe().seed);
  CHECK(r.about.find("injected") == std::string::npos);
  CHECK(r.name == o.name);
  CHECK(r.data.root == folder / "data");
  CHECK(r.data.train_annotations == "my\n[data]\nroot = \"x\".json");
}

TEST_CASE("recipe new: the images to evaluate on may be given, asked for, or too few", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 19, two_classes);
  const NewRecipe few = new_recipe(o);
  const Recipe none = recipe_from_toml(few.toml, "mine.toml");
  CHECK_FALSE(has_split(none, Split::val));
  CHECK(open_dataset(none, Split::train)->size() == 19);
  CHECK_THROWS_WITH(throw Error(flat(few.told)), Contains("19 images are too few to set some apart"));
  o.val_share = 0.2;
  CHECK(open_dataset(made(o), Split::val)->size() == 4);
  o.val_share = 0;
  CHECK_FALSE(has_split(made(o), Split::val));
  o = pictures(folder, 30, two_classes);
  const NewRecipeOptions other = pictures(folder, 5, two_classes, "other");
  o.val_annotations = other.annotations;
  o.val_images = other.images;
  const Recipe given = made(o);
  CHECK(given.data.root == std::filesystem::path(folder / "x").parent_path().string());
  CHECK(given.data.val_annotations == "other/train.json");
  CHECK(open_dataset(given, Split::train)->size() == 30);
  CHECK(open_dataset(given, Split::val)->size() == 5);
  o.val_share = 0.2;
  CHECK_THROWS_WITH(new_recipe(o), Contains("--val-share"));
  // Annotations to evaluate on that are set later go before the share.
  const Recipe later =
      made(pictures(folder, 30, two_classes), {"data.val_annotations=../other/train.json", "data.val_images=../other/images"});
  CHECK(open_dataset(later, Split::train)->size() == 30);
  CHECK(open_dataset(later, Split::val)->size() == 5);
}

TEST_CASE("recipe new: every class keeps an example to learn from", "[recipe_new]") {
  const Folder folder;
  std::vector<std::vector<BoxOf>> rare(20, {{1, 40, 40}});
  rare[4] = rare[11] = {{2, 40, 40}};
  NewRecipeOptions o = pictures(folder, 20, rare);
  o.val_share = 0.8;  // four are left to learn from
  const auto train = open_dataset(made(o), Split::train);
  CHECK(train->size() == 4);
  int64_t dogs = 0;
  for (int64_t i = 0; i < 4; ++i)
    for (const Instance& x : train->instances(i)) dogs += x.label == 2;
  CHECK(dogs >= 1);
}

TEST_CASE("recipe new: the file says what it is, and nothing of its base", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  o.name = "pets";
  const NewRecipe n = new_recipe(o);
  const Recipe r = recipe_from_toml(n.toml, "mine.toml");
  CHECK(r.name == "pets");
  CHECK(r.about == "30 images of train.json");
  CHECK(r.notes.find("microscope") == std::string::npos);
  CHECK_THROWS_WITH(throw Error(flat(n.toml)),
                    Contains("pets: made by `mrcnn recipe new` from ") && Contains("30 cat") &&
                        Contains(" Images: shorter side 120 to 120 (median 120), longer side up to 160 pixels.") &&
                        Contains("[model.proposals] "));
  CHECK(to_toml(r).find("microscope") == std::string::npos);
  o.base = "scenes_small";
  const Recipe other = made(o);
  CHECK(other.data.kind == DataKind::coco);
  CHECK(resnet(other).width == resnet(load_recipe("scenes_small")).width);
  CHECK(to_toml(other).find("demonstration") == std::string::npos);
}

TEST_CASE("anchor ratios that are nearly equal are one, and a round thing's is 1", "[recipe_new]") {
  const auto ratios = [](std::vector<double> values) {
    MeasuredData d;
    d.ratios = std::move(values);
    return choose_anchor_ratios(d);
  };
  CHECK(ratios({0.95, 0.95, 1, 1, 1, 1.05, 1.05}) == std::vector<double>{1});
  CHECK(ratios({0.9, 0.95, 1.05, 1.05, 1.05, 1.05, 1.1}) == std::vector<double>{1});
  CHECK(ratios({0.5, 0.5, 1, 1, 1, 2, 2}) == std::vector<double>{0.5, 1, 2});
  CHECK(ratios({2, 2, 2, 2, 2, 2, 2.2}) == std::vector<double>{2});
  CHECK(ratios({0.5, 0.5, 0.55, 0.55, 0.55, 1, 1}) == std::vector<double>{0.55, 1});
}

TEST_CASE("recipe new --init: a detector keeps its network, anchors, norms and pixels, and all but the rows of classes load",
          "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  o.init = detector_file(folder, 50, 90);
  for (const char* base : {"", "nuclei_small"}) {
    INFO("base " << base);
    o.base = base;
    const Recipe r = made(o);
    CHECK(r.train.init == o.init);
    CHECK(resnet(r).depth == 50);
    CHECK(resnet(r).width == 8);
    CHECK(resnet(r).norm == NormKind::frozen);
    CHECK(resnet(r).norm_epsilon == 0);  // torchvision's released detectors
    CHECK(resnet(r).freeze == 2);
    CHECK(fpn(r).channels == 16);
    CHECK(rpn(r).anchor_sizes == RPNConfig{}.anchor_sizes);
    CHECK(rpn(r).anchor_ratios == RPNConfig{}.anchor_ratios);
    CHECK_FALSE(rcnn(r).roi.aligned);
    CHECK(r.preprocess.mean == Preprocess{}.mean);
    CHECK(r.preprocess.unit);
    CHECK(r.train.match_classes);  // COCO has both cat and dog
    const std::string said = loaded(r);
    CHECK_THROWS_WITH(throw Error(said),
                      Contains("rows of classes copied by name: cat, dog") && !Contains("WARNING") && !Contains("initial values"));
  }
  o.base.clear();
  o.init = detector_file(folder, 50, 5);
  const Recipe r = made(o);
  CHECK(resnet(r).norm_epsilon == 1e-5);
  CHECK(r.train.skip_mismatch);
  CHECK_FALSE(r.train.match_classes);
  const size_t all = in_memory(narrow(50, 2)).tensors.size();
  CHECK_THROWS_WITH(throw Error(loaded(r)), Contains(std::to_string(all - 6) + " of " + std::to_string(all) + " tensors loaded"));
  o.init = detector_file(folder, 50, 5, false);  // Faster R-CNN: the masks' head is new
  CHECK(has_masks(made(o)));
  CHECK_THROWS_WITH(throw Error(flat(new_recipe(o).told)), Contains("its masks' head is new"));
  CHECK_THROWS_WITH(throw Error(loaded(made(o))), Contains("roi_heads.mask_head"));
  o.masks = false;
  CHECK_FALSE(has_masks(made(o)));
}

TEST_CASE("recipe new --init: the plan is sane for 1, 2 and 16 images a step", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  o.init = detector_file(folder, 50, 90);
  for (const int64_t batch : {1, 2, 16}) {
    INFO("batch " << batch);
    Words words;
    Recipe r = made(o, {"train.batch=" + std::to_string(batch), "train.epochs=32"});
    resolve(r, 27, words);
    const RunPlan plan = plan_of(r, true);
    CHECK(plan.iterations == 32 * 27 / batch);
    CHECK(plan.peak == Approx(0.01 * static_cast<double>(batch) / 16));  // half of what it was trained with
    CHECK(plan.first < plan.peak / 2);
    CHECK(plan.last < plan.peak / 50);
    CHECK(plan.warmup >= 1);
    CHECK(plan.warmup <= plan.iterations / 10);
    CHECK(plan.evaluations.back() == plan.iterations);
    CHECK(words.size() <= 3);
    Recipe timed = made(o, {"train.batch=" + std::to_string(batch)});  // an hour, as it stands in the file
    Words said;
    resolve(timed, 27, said);
    CHECK(timed.train.budget == "1h");
    CHECK(plan_of(timed, true).warmup == 320 / batch);
  }
}

TEST_CASE("recipe new --init: a classifier's ResNet starts the trunk alone", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  for (const int64_t depth : {18, 34, 50}) {
    o.init = classifier_file(folder, depth, 1000);
    const Recipe r = made(o), base = load_recipe(depth < 50 ? "nuclei_small" : "coco_r50_fpn_torchvision");
    INFO("depth " << depth);
    CHECK(resnet(r).depth == depth);
    CHECK(resnet(r).norm == NormKind::frozen);
    CHECK(resnet(r).norm_epsilon == 1e-5);
    CHECK(resnet(r).freeze == 2);
    CHECK(fpn(r).channels == fpn(base).channels);
    CHECK(fc(r).width == fc(base).width);
    CHECK(rpn(r).anchor_ratios == std::vector<double>{1});  // of the data
    CHECK(r.preprocess.mean == Preprocess{}.mean);
    CHECK(r.optimiser.lr == 0.02);
    CHECK(r.schedule.for_batch == 16);
    CHECK_FALSE(r.train.skip_mismatch);
    if (depth == 18)
      CHECK_THROWS_WITH(throw Error(loaded(r)),
                        Contains("  backbone.body                                100             0             0\n"));
  }
  o.init = classifier_file(folder, 18, 7);
  write_text_file(folder / "adam.toml", "base = \"nuclei_small\"\n[optimiser]\nkind = \"adam\"\nlr = 0.0003\n");
  o.base = folder / "adam.toml";
  CHECK(made(o).optimiser.kind == OptimiserKind::sgd);  // whose rate it is
  o.base.clear();
  CHECK(resnet(made(o)).freeze == 0);
  CHECK_THROWS_WITH(throw Error(flat(new_recipe(o).told)), Contains("A classifier of 7 classes, not ImageNet's: all stages are trained."));
}

TEST_CASE("recipe new --init: our own weights bring the recipe they were trained by", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  Recipe own =
      load_recipe("nuclei_small", {"model.backbone.width=32", "model.backbone.fpn.channels=16", "model.box.width=32", "model.mask.width=16",
                                   "preprocess.mean=[0.1, 0.2, 0.3]", "model.proposals.anchor_sizes=[9.0, 17.0, 33.0, 65.0, 129.0]",
                                   "optimiser.lr=0.04", "train.batch=4", "train.iterations=100"});
  own.train.recorded = true;
  const Detector d = make_detector(own, {{"dog", "cow"}, {1, 2}});
  save_detector(d, folder / "own.safetensors");
  o.init = folder / "own.safetensors";
  const Recipe r = made(o);
  Recipe expected = own;
  expected.model.classes = 0;
  rcnn(expected).box.detections = rcnn(r).box.detections;
  CHECK(differences(visit_of(std::as_const(expected.model)), visit_of(std::as_const(r.model))).empty());
  CHECK(r.preprocess.mean == own.preprocess.mean);
  CHECK(r.optimiser.lr == 0.02);
  CHECK(r.schedule.for_batch == 4);
  CHECK_FALSE(r.train.recorded);
  CHECK(r.train.iterations == 0);
  CHECK(r.train.match_classes);
  CHECK_THROWS_WITH(throw Error(loaded(r)),
                    Contains("rows of classes copied by name: dog; with their initial values: cat") && !Contains("WARNING"));
  // A recipe that names weights is a base with its weights.
  write_text_file(folder / "first.toml", new_recipe(o).toml);
  NewRecipeOptions again = pictures(folder, 25, two_classes);
  again.base = folder / "first.toml";
  const Recipe second = made(again);
  CHECK(second.train.init == o.init);
  CHECK(rpn(second).anchor_sizes == rpn(own).anchor_sizes);
}

TEST_CASE("recipe new --init: detectron2's weights keep their pixels, stride and RoIAlign", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  o.init = MR_SOURCE_DIR "/tests/golden/weights/detectors/detectron2.pkl";
  const Recipe r = made(o);
  CHECK(r.preprocess.bgr);
  CHECK_FALSE(r.preprocess.unit);
  CHECK(r.preprocess.mean == std::vector<double>{103.53, 116.28, 123.675});
  CHECK(resnet(r).stride_in_1x1);
  CHECK(rcnn(r).roi.aligned);
  CHECK(mask(r).convs == 2);
  CHECK_THROWS_WITH(throw Error(loaded(r)), Contains("by detectron2's names") && !Contains("WARNING"));
}

TEST_CASE("recipe new --init: weights that no recipe can use are named", "[recipe_new]") {
  const Folder folder;
  NewRecipeOptions o = pictures(folder, 30, two_classes);
  const auto with = [&](const std::function<void(std::vector<NamedTensor>&)>& change) {
    WeightFile f = in_memory(narrow(50, 3));
    change(f.tensors);
    write_safetensors(folder / "odd.safetensors", {}, f.tensors);
    o.init = folder / "odd.safetensors";
  };
  const auto add = [](std::vector<NamedTensor>& t, const char* name, int64_t n) {
    t.push_back({name, FileType::f32, {n}, [](std::span<std::byte> out) { std::ranges::fill(out, std::byte{0}); }});
  };
  with([&](auto& t) { add(t, "backbone.fpn.inner_blocks.0.1.weight", 16); });
  CHECK_THROWS_WITH(new_recipe(o), Contains("odd.safetensors: is of a detector with norms in the pyramid, which no recipe can build"));
  with([&](auto& t) {
    t.clear();
    add(t, "features.0.0.weight", 4);
  });
  CHECK_THROWS_WITH(new_recipe(o), Contains("holds no ResNet that a recipe can build") && Contains("got features.0.0.weight"));
  with([&](auto& t) {  // a pyramid of another kind under the same names
    for (NamedTensor& x : t)
      if (x.name == "backbone.fpn.layer_blocks.3.0.bias") x = t.front(), x.name = "backbone.fpn.layer_blocks.3.0.bias";
  });
  CHECK_THROWS_WITH(new_recipe(o), Contains("--init: ") &&
                                       Contains("backbone.fpn.layer_blocks.3.0.bias is [8, 3, 7, 7] in the file and [16] in the model"));
}
