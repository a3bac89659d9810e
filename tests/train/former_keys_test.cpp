// Recipes as they were written before their keys changed: former_recipes/ holds the shipped ones of then, and one as a weights file keeps it.
#include "train/former_keys.h"

#include "base/files.h"
#include "tests/catch.h"
#include "tests/folder.h"
#include "tests/models/parts.h"
#include "train/recipe.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

std::string former(const std::string& name) { return read_text_file(MR_SOURCE_DIR "/tests/train/former_recipes/" + name + ".toml"); }

std::string changes(const Recipe& a, const Recipe& b) {
  std::string all;
  for (const Difference& d : differences(visit_of(a), visit_of(b))) append(all, str(d.key, ": ", d.before, " -> ", d.after, "\n"));
  return all;
}

Recipe with(const std::string& toml, const std::vector<std::string>& assignments = {}) {
  return recipe_from_toml("base = \"scenes_small\"\n" + toml, "old.toml", assignments);
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("the shipped recipes as they were mean what they mean today", "[former_keys]") {
  const Folder folder;
  for (const std::string name : {"coco_r50_fpn_paper", "coco_r50_fpn_torchvision", "nuclei_r50_fpn", "nuclei_small", "scenes_small"}) {
    INFO(name);
    std::string toml = former(name);
    if (name == "nuclei_r50_fpn") replace(toml, "base = \"coco_r50_fpn_torchvision\"", "base = \"coco_r50_fpn_torchvision.toml\"");
    const std::string path = folder.write(name + ".toml", toml);
    CHECK(changes(load_recipe(path), load_recipe(name)).empty());
    CHECK(changes(load_recipe(name), load_recipe(path)).empty());
  }
}

TEST_CASE("a recipe with every key of then, as weights files hold it, means what it meant", "[former_keys]") {
  const Recipe r = recipe_from_toml(former("stored"), "last.safetensors (recipe)"), today = load_recipe("scenes_small");
  CHECK(fc(r).width == 256);
  CHECK(rpn(r).anchor_sizes == rpn(today).anchor_sizes);
  CHECK(rpn(r).pre_nms_train == 500);
  CHECK(fpn(r).channels == 64);
  CHECK(mask(r).convs == 2);
  CHECK(r.model.classes == 8);
  Recipe expected = today;
  expected.model.classes = 8;
  expected.schedule.warmup = 5;
  expected.train = r.train;
  expected.evaluation.images = 4;
  CHECK(changes(expected, r).empty());
  CHECK(changes(recipe_from_toml(to_toml(r), "again"), r).empty());
}

TEST_CASE("masks that were switched off are of no kind, whatever else was said of them", "[former_keys]") {
  std::string text = former("stored");
  replace(text, "enabled = true", "enabled = false");
  const Recipe off = recipe_from_toml(text, "boxes.safetensors (recipe)");
  CHECK_FALSE(has_masks(off));
  CHECK(to_toml(off, false).find("mask = ") == std::string::npos);  // no weight of a term that is not there
  // The last of all layers decided, and what was said of the masks stayed.
  const Recipe on = recipe_from_toml(text, "boxes.safetensors (recipe)", {"model.mask.enabled=true"});
  REQUIRE(has_masks(on));
  CHECK(mask(on).convs == 2);
  CHECK(mask(on).width == 64);
  CHECK_FALSE(has_masks(with("", {"model.mask.width=16", "model.mask.enabled=false"})));
  CHECK_FALSE(has_masks(with("[model.mask]\nenabled = false\nsize = 7\n[losses]\nmask = 2.0\n")));
  // Today's keys over those of then.
  const Recipe again = recipe_from_toml(text, "boxes.safetensors (recipe)", {"model.mask.kind=fcn", "model.mask.convs=1"});
  REQUIRE(has_masks(again));
  CHECK(mask(again).convs == 1);
}

TEST_CASE("keys of then are told with their place and today's name, those of weights files are not", "[former_keys]") {
  const Folder folder;
  const std::string path = folder.write("mine.toml",
                                        "base = \"scenes_small\"\n[model.rpn]\nsparse = false\nbatch = 32\nnms = "
                                        "0.6\n[model.fpn]\nchannels = 32\n[model.mask]\nenabled = false\n");
  std::vector<std::string> words;
  const Recipe r = load_recipe(path, {"model.rpn.beta=0.5"}, &words);
  CHECK(rpn(r).batch == 32);
  CHECK(rpn(r).beta == 0.5);
  CHECK(fpn(r).channels == 32);
  REQUIRE(words.size() == 4);
  CHECK_THAT(words[0], Contains("mine.toml:9: model.mask.enabled is now model.mask.kind = \"none\""));
  CHECK_THAT(words[1], Contains("mine.toml:3: model.rpn.sparse is no more"));
  CHECK_THAT(words[2], Contains("mine.toml:7: model.fpn.channels is now model.backbone.fpn.channels ("));
  CHECK_THAT(words[3], Contains("mine.toml:4: model.rpn.batch is now model.proposals.batch, and 2 more of model.rpn.… are called so ("));
  words.clear();
  for (const ShippedRecipe& shipped : shipped_recipes()) load_recipe(shipped.name, {}, &words);
  CHECK(words.empty());
  CHECK_THROWS_WITH(with("[model.mask]\nenabled = 1\n"), Contains("old.toml:3: model.mask.enabled: expects true or false"));
  CHECK_THROWS_WITH(with("[model.rpn]\nbacth = 1\n"),
                    Contains("model.proposals.bacth: there is no such key; the nearest is model.proposals.batch"));
}
