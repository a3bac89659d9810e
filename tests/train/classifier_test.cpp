// A classifier from a recipe to its figures: crops of drawn objects, training, accuracy, weights, and a detector that starts from them.
#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "base/text.h"
#include "data/export/crop_writer.h"
#include "data/folders/folder_dataset.h"
#include "data/scenes/scene_dataset.h"
#include "tests/catch.h"
#include "tests/folder.h"
#include "tests/train/own_data.h"
#include "tests/train/told.h"
#include "train/evaluate.h"
#include "train/pretrained.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

void write_objects(const std::string& folder, int64_t first, int64_t images) {
  SceneOptions scenes = load_recipe("scenes_small").data.scenes;
  scenes.first = first, scenes.images = images;
  write_crops(SceneDataset(scenes), folder, {.margin = 0.1, .side = 40, .least_side = 20});
}

Recipe small(const Folder& folder, std::vector<std::string> more = {}) {
  std::vector<std::string> settings = {"data.root=" + (folder / "objects"),
                                       "data.workers=0",
                                       "model.trunk.width=8",
                                       "augment.crop_size=32",
                                       "preprocess.min_side=32",
                                       "preprocess.max_side=32",
                                       "train.batch=16",
                                       "train.iterations=40",
                                       "train.precision=f32",
                                       "optimiser.lr=0.1"};
  settings.insert(settings.end(), more.begin(), more.end());
  return load_recipe("trunk_r18", settings);
}

}  // namespace

TEST_CASE("a classifier is trained, judged by its accuracy and loaded again", "[train][classifier]") {
  const Folder folder;
  write_objects(folder / "objects/train", 0, 150);
  write_objects(folder / "objects/val", 1000, 30);
  const Recipe recipe = small(folder, {"model.trunk.width=16", "train.batch=32", "train.iterations=150", "optimiser.lr=0.05"});
  const std::string lines = told(recipe, {.folder = folder / "run"});
  CHECK_THAT(lines, Contains("top-1 "));

  const Detector d = load_detector(folder / "run/best.safetensors");
  CHECK(d.classes.names == FolderDataset(folder / "objects/train").class_names());
  const auto val = open_dataset(d.recipe, Split::val);
  Evaluator evaluator(val, d);
  const Evaluation e = evaluator.run(d);
  CHECK(e.images == val->size());
  const std::vector<ObjectCount> counts = val->object_counts();
  const int64_t most = std::ranges::max(counts, {}, &ObjectCount::objects).objects;
  CHECK(e.judgement->score > 1.5 * static_cast<double>(most) / static_cast<double>(val->size()));  // better than the most frequent class
  CHECK_THAT(to_json(e), Contains("\"top1\": ") && Contains("\"per_class\": {"));

  // The same seed gives the same bits.
  for (const char* run : {"one", "other"}) told(small(folder, {"train.iterations=4", "data.val_images="}), {.folder = folder / run});
  CHECK(read_text_file(folder / "one/last.safetensors") == read_text_file(folder / "other/last.safetensors"));
}

TEST_CASE("a classifier is judged by accuracy alone, and accuracy judges nothing else", "[train][classifier]") {
  const Folder folder;
  write_objects(folder / "objects/train", 0, 4);
  write_objects(folder / "objects/val", 1000, 2);
  CHECK_THROWS_WITH(told(small(folder, {"evaluation.metric=coco"}), {.folder = folder / "run"}),
                    Contains("evaluation.metric: a classifier is judged by \"accuracy\""));
  const Recipe scenes =
      load_recipe("scenes_small", {"evaluation.metric=accuracy", "train.iterations=1", "data.scenes.images=2", "data.val_scenes=1"});
  CHECK_THROWS_WITH(told(scenes, {.folder = folder / "run"}), Contains("evaluation.metric: a classifier is judged by \"accuracy\""));
  CHECK_THROWS_WITH(told(small(folder, {"data.train_images=none"}), {.folder = folder / "run"}),
                    Contains("data.train_images: " + (folder / "objects/none") + ": there is no such folder") && Contains("data.root=DIR"));
}

TEST_CASE("a classifier's weights are the whole trunk of a detector for other data", "[train][classifier]") {
  const Folder folder;
  write_objects(folder / "objects/train", 0, 6);
  write_objects(folder / "objects/val", 1000, 2);
  told(small(folder, {"train.iterations=2"}), {.folder = folder / "run"});
  const std::string trunk = folder / "run/best.safetensors";
  const Detector classifier = load_detector(trunk);

  NewRecipeOptions o = pictures(folder, 30, two_classes);
  o.init = trunk;
  const NewRecipe made = new_recipe(o);
  CHECK_THROWS_WITH(throw Error(flat(made.told)), Contains("a trunk, ResNet-18") && Contains("Norms keep the weights' statistics") &&
                                                      Contains(str("A classifier of ", counted(classifier.classes.size(), "class"),
                                                                   ", not ImageNet's: all stages are trained.")) &&
                                                      Contains("Pixels as the recipe in best.safetensors has them."));
  const Recipe r = recipe_from_toml(
      made.toml, "mine.toml", {"train.iterations=1", "train.batch=1", "train.precision=f32", "data.workers=0", "augment.crop_size=64"});
  CHECK(resnet(r).width == 8);
  CHECK(resnet(r).norm == NormKind::frozen);
  CHECK(resnet(r).freeze == 0);
  CHECK(r.preprocess.mean == classifier.recipe.preprocess.mean);
  CHECK(r.preprocess.size_divisor == 32);  // the classifier's is 1
  const Recipe as_it_stands = recipe_from_toml(made.toml, "mine.toml");
  CHECK(as_it_stands.optimiser.lr == 0.02);  // the classifier's is 0.1
  CHECK(as_it_stands.schedule.for_batch == 16);
  CHECK(try_weights(trunk, r).refusal.empty());

  Detector detector = make_detector(r, classes_of(r, *open_dataset(r, Split::train)));
  const std::string loaded = init_weights(detector);
  CHECK_THAT(loaded, Contains("  backbone.body                                100             0             0\n") && !Contains("WARNING"));
  for (const Parameter& p : classifier.system->parameters().all()) {
    if (p.name.starts_with("fc.")) continue;
    INFO(p.name);
    const Parameter* same = detector.system->parameters().find("backbone.body." + p.name);
    REQUIRE(same != nullptr);
    const auto a = p.var.value().values<float>(), b = same->var.value().values<float>();
    CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  }
  CHECK_THAT(told(r, {.folder = folder / "tuned"}), Contains("best.safetensors: ") && Contains("mask AP "));
  CHECK_THROWS_WITH(throw Error(try_weights(trunk, load_recipe("nuclei_small")).refusal),
                    Contains("for the file it is model.backbone.width = 8 (here 64)"));
  o.base = "trunk_r18";
  CHECK_THROWS_WITH(new_recipe(o), Contains("--base: trunk_r18: is a recipe for a classifier"));
}

TEST_CASE("a classifier starts from another one's weights, and refuses a part of them", "[train][classifier]") {
  const Folder folder;
  write_objects(folder / "objects/train", 0, 6);
  int runs = 0;
  const auto from = [&](const std::string& file, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"train.iterations=1", "data.val_images=", "train.init=" + file});
    return told(small(folder, more), {.folder = folder / str("run_", ++runs)});
  };
  const std::string other = classifier_file(folder, 18, 1000);
  CHECK_THROWS_WITH(from(other),
                    Contains("1 tensor of another shape than the model's") && Contains("--skip-mismatch") && Contains("fc.weight"));
  CHECK_THAT(from(other, {"train.skip_mismatch=true"}), Contains("100 of 102 tensors loaded"));
  CHECK_THROWS_WITH(from(other, {"train.match_classes=true"}), Contains("train.match_classes: is for detectors"));
  const Recipe here = small(folder);
  CHECK(fit_weights(open_weights(other), here, {}).loaded.size() == 100);
  CHECK(fit_weights(open_weights(other), here, {}).mismatched.size() == 1);  // as many classes as the file has, but another width

  WeightFile part = as_classifier(in_memory(narrow(18, 1)), 5);
  std::erase_if(part.tensors, [](const NamedTensor& t) { return t.name.starts_with("layer4.1.conv2"); });
  write_safetensors(folder / "part.safetensors", {}, part.tensors);
  CHECK_THROWS_WITH(from(folder / "part.safetensors", {"train.skip_mismatch=true"}), Contains("another architecture"));
  const std::string deep = classifier_file(folder, 34, 5);
  CHECK_THROWS_WITH(from(deep, {"train.skip_mismatch=true"}),
                    Contains("for the file it is model.trunk.depth = 34 (here 18)") && !Contains("recipe new"));
  CHECK_THROWS_WITH(from(detector_file(folder, 18, 2), {"train.skip_mismatch=true"}), Contains("for the file it is model.kind = \"rcnn\""));
}

TEST_CASE("pictures that cannot be read, and classes that are not wanted, are left out of a classifier's training", "[train][classifier]") {
  const Folder folder;
  write_objects(folder / "objects/train", 0, 12);
  folder.write("objects/train/car/broken.png", "no picture");
  const std::vector<std::string> short_run = {"train.iterations=2", "data.val_images="};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), short_run.begin(), short_run.end());
    return small(folder, more);
  };
  CHECK_THROWS_WITH(told(with({}), {.folder = folder / "run"}), Contains("data.train_images: 1 of ") && Contains("broken.png"));
  CHECK_THAT(told(with({"data.corrupt_images=skip"}), {.folder = folder / "run"}), Contains("broken.png") && Contains("they are left out"));
  std::filesystem::remove(folder / "objects/train/car/broken.png");
  CHECK_THAT(told(with({"data.classes=[\"person\", \"car\"]"}), {.folder = folder / "two"}),
             Contains("of classes that are not wanted") && Contains("trunk_r18: 2 classes"));
  CHECK(load_detector(folder / "two/last.safetensors").classes.names == std::vector<std::string>{"person", "car"});
}

TEST_CASE("a network that starts from random values and keeps some of them is told, a classifier too", "[train][classifier]") {
  const Folder folder;
  write_objects(folder / "objects/train", 0, 6);
  const std::vector<std::string> settings = {"train.iterations=1", "data.val_images=", "model.trunk.norm=frozen", "model.trunk.freeze=2"};
  CHECK_THAT(told(small(folder, settings), {.folder = folder / "run"}),
             Contains("model.trunk.freeze = 2 keeps its first stages random; model.trunk.norm = frozen leaves it without norms") &&
                 Contains("without them --set model.trunk.freeze=0 --set model.trunk.norm=group"));
}
