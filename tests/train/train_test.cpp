#include "train/train.h"

#include <fstream>
#include <iterator>

#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/train/fake.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// A few steps of a small model on drawn scenes.
Recipe small(std::vector<std::string> more) {
  std::vector<std::string> settings = {"model.backbone.width=32", "model.backbone.fpn.channels=16",
                                       "model.box.width=16",      "model.mask.width=16",
                                       "data.scenes.height=64",   "data.scenes.width=96",
                                       "data.scenes.images=4",    "data.val_scenes=0",
                                       "data.workers=0",          "train.batch=1",
                                       "train.budget=",           "train.iterations=1",
                                       "train.precision=f32"};
  settings.insert(settings.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return load_recipe("scenes_small", settings);
}

std::string told(const Recipe& recipe, TrainOptions options) {
  const ContextGuard guard;
  std::string lines;
  Console console([&lines](const std::string& line) { lines += line + "\n"; });
  options.words = {"decided between settings"};
  train(recipe, options, console);
  return lines;
}

}  // namespace

TEST_CASE("frozen norms and stages without pretrained weights are warned of, where the run begins", "[train]") {
  const TestFolder folder;
  const std::string both = told(small({"model.backbone.norm=frozen", "model.backbone.freeze=2"}), {.folder = folder / "both"});
  CHECK_THAT(both,
             Contains("WARNING: train.init: names no weights, so the network starts from random ones; model.backbone.freeze = 2 keeps its "
                      "first stages random; model.backbone.norm = frozen leaves it without norms: --init FILE") &&
                 Contains("--set model.backbone.freeze=0 --set model.backbone.norm=group"));
  CHECK_THAT(told(small({"model.backbone.freeze=1"}), {.folder = folder / "stem"}),
             Contains("freeze = 1 keeps its first stages random: --init FILE") && !Contains("norm=group"));
  CHECK_THAT(told(small({}), {.folder = folder / "none"}), !Contains("WARNING: train.init"));
  CHECK_THAT(told(small({"model.backbone.norm=frozen", "model.backbone.freeze=2", "train.iterations=2"}),
                  {.folder = folder / "both", .resume = true}),
             !Contains("WARNING: train.init"));
  CHECK_THAT(told(small({"model.backbone.norm=frozen", "model.backbone.freeze=2", "train.init=" + (folder / "both/last.safetensors")}),
                  {.folder = folder / "tuned"}),
             !Contains("WARNING: train.init"));
}

TEST_CASE("a run that is resumed with the same settings needs no word of them", "[train]") {
  const TestFolder folder;
  const Recipe recipe = small({"optimiser.kind=adamw", "train.iterations=2"});
  CHECK_THAT(told(recipe, {.folder = folder / "run"}), Contains("decided between settings"));
  CHECK_THAT(told(recipe, {.folder = folder / "run", .resume = true}),
             !Contains("decided between settings") && !Contains("another configuration"));
  Recipe longer = recipe;
  longer.train.iterations = 3;
  CHECK_THAT(told(longer, {.folder = folder / "run", .resume = true}),
             Contains("decided between settings") && Contains("resuming with another configuration: train.iterations was 2, now 3") &&
                 Contains("resuming at iteration 2 of 3: 1 to do"));
}

TEST_CASE("a training that is refused leaves no folder", "[train]") {
  const TestFolder folder;
  CHECK_THROWS(told(small({"train.init=" + (folder / "none.pth")}), {.folder = folder / "run"}));
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}

TEST_CASE("no step asks the system for memory", "[train]") {
  const TestFolder folder;
  const Recipe r = load_recipe(
      "scenes_small", {"model.backbone.width=32", "model.backbone.fpn.channels=16", "model.box.width=16", "model.mask.width=16",
                       "data.scenes.height=64", "data.scenes.width=96", "data.scenes.images=24", "data.val_scenes=1", "data.workers=0",
                       "train.batch=2", "train.budget=", "train.iterations=40", "train.log_every=1", "evaluation.at=[]"});
  const ContextGuard guard;
  Console console([](const std::string&) {});
  REQUIRE(train(r, {.folder = folder / "run"}, console) == Ended::finished);
  std::ifstream in(folder / "run/metrics.jsonl");
  std::string first;
  int steps = 0;
  for (std::string line; std::getline(in, line);) {
    const size_t at = line.find("\"system_allocations\":");
    if (at == std::string::npos) continue;
    const std::string asked = line.substr(at);
    if (steps++ == 0) first = asked;
    INFO("step " << steps);
    CHECK(asked == first);
  }
  CHECK(steps == 40);
}

TEST_CASE("a run until a time of the day is resumed under the budget that it was planned with", "[train]") {
  const TestFolder folder;
  const std::vector<std::string> planned = {"train.iterations=0", "train.budget=3s", "schedule.warmup=10"};
  CHECK_THAT(told(small(planned), {.folder = folder / "run", .until = "07:00"}),
             Contains("recorded in recipe.toml") && !Contains("--until"));
  std::vector<std::string> later = planned;
  later[1] = "train.budget=7h5m12s";
  CHECK_THROWS_WITH(told(small(later), {.folder = folder / "run", .resume = true}), Contains("train.budget was 3s, now 7h5m12s"));
  CHECK_THAT(told(small(later), {.folder = folder / "run", .resume = true, .until = "07:00"}),
             Contains("--until 07:00: the run keeps the budget of 3s that it was planned under") && Contains("nothing is left to do"));
  told(small({}), {.folder = folder / "counted"});
  CHECK_THROWS_WITH(told(small(later), {.folder = folder / "counted", .resume = true, .until = "07:00"}),
                    Contains("--until: the run in ") && Contains("was planned without a budget"));
}
