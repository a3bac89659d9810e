#include "train/train.h"

#include <fstream>

#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/train/fake.h"

using namespace mr;

TEST_CASE("no step asks the system for memory", "[train]") {
  const TestFolder folder;
  const Recipe r = load_recipe(
      "scenes_small", {"model.backbone.width=32", "model.fpn.channels=16", "model.box.width=16", "model.mask.width=16",
                       "data.scenes.height=64", "data.scenes.width=96", "data.scenes.images=24", "data.val_scenes=1", "data.workers=0",
                       "train.batch=2", "train.budget=", "train.iterations=40", "train.log_every=1", "evaluation.at=[]"});
  const ContextGuard guard;
  Console console([](const std::string&) {});
  REQUIRE(train(r, {.folder = folder / "run", .resume = false}, console) == Ended::finished);
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
