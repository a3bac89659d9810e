// A whole run on the device: loader, steps, checkpoint, evaluation.
#include "train/train.h"

#include <fstream>

#include "base/files.h"
#include "tensor/context.h"
#include "tests/gpu/device.h"
#include "tests/train/fake.h"

using namespace mr;
using namespace mr::gpu;
using Catch::Matchers::Contains;

namespace {

Recipe tiny(const std::vector<std::string>& more) {
  std::vector<std::string> all = {"model.backbone.width=8",
                                  "model.backbone.fpn.channels=8",
                                  "model.box.width=16",
                                  "model.mask.width=8",
                                  "model.mask.convs=1",
                                  "model.proposals.batch=32",
                                  "model.proposals.pre_nms_train=32",
                                  "model.proposals.post_nms_train=16",
                                  "model.proposals.pre_nms_test=32",
                                  "model.proposals.post_nms_test=8",
                                  "model.box.batch=8",
                                  "model.box.detections=4",
                                  "data.scenes.height=64",
                                  "data.scenes.width=64",
                                  "data.scenes.images=8",
                                  "data.val_scenes=1",
                                  "train.batch=1",
                                  "train.budget=",
                                  "train.precision=f32",
                                  "train.log_every=1",
                                  "train.iterations=2",
                                  "evaluation.at=[]"};
  all.insert(all.end(), more.begin(), more.end());
  return load_recipe("scenes_small", all);
}

std::vector<double> losses_of(const std::string& folder) {
  std::ifstream in(folder + "/metrics.jsonl");
  std::vector<double> losses;
  for (std::string line; std::getline(in, line);) {
    const std::string key = "\"loss\":";
    if (const size_t at = line.find(key); at != std::string::npos) losses.push_back(std::stod(line.substr(at + key.size())));
  }
  return losses;
}

}  // namespace

TEST_CASE("a run on the device has the losses of the CPU, and goes on from its checkpoint with the same bits", "[gpu][train]") {
  if (!has_device()) return;
  if constexpr (built == Built::emulated) count_accesses(false);
  const ContextGuard guard;
  const TestFolder folder;
  Console console([](const std::string&) {});
  const Recipe both = tiny({"data.workers=0"});
  REQUIRE(train(both, {.folder = folder / "cpu", .resume = false}, console) == Ended::finished);
  REQUIRE(train(both, {.folder = folder / "there", .resume = false, .device = gpu_device()}, console) == Ended::finished);
  const auto here = losses_of(folder / "cpu"), there = losses_of(folder / "there");
  REQUIRE(here.size() == 2);
  REQUIRE(there.size() == 2);
  CHECK(there[0] == Approx(here[0]).epsilon(1e-5));
  CHECK(there[1] == Approx(here[1]).epsilon(1e-3));

  Recipe first = tiny({"train.stop_at=1", "data.workers=2"});
  REQUIRE(train(first, {.folder = folder / "parts", .resume = false, .device = gpu_device()}, console) == Ended::finished);
  first.train.stop_at = 0;
  REQUIRE(train(first, {.folder = folder / "parts", .resume = true, .device = gpu_device()}, console) == Ended::finished);
  CHECK(losses_of(folder / "parts") == there);
  const bool same = read_text_file(folder / "parts/last.safetensors") == read_text_file(folder / "there/last.safetensors");
  CHECK(same);
  if constexpr (built == Built::emulated) count_accesses(true);
}
