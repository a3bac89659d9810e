// A whole run on the device: loader, steps, checkpoint, evaluation.
#include "train/train.h"

#include <fstream>

#include "base/files.h"
#include "data/eval/coco_metric.h"
#include "tensor/context.h"
#include "tests/gpu/device.h"
#include "tests/train/fake.h"
#include "train/datasets.h"
#include "train/evaluate.h"

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

TEST_CASE("an evaluation on the device looks at several images at once, waits once for them, and finds what one by one finds",
          "[gpu][train]") {
  if (!has_device()) return;
  if constexpr (built == Built::emulated) count_accesses(false);
  const ContextGuard guard;
  const Recipe r = tiny({"data.val_scenes=3", "data.workers=0", "train.batch=2", "model.box.score=0"});
  const auto val = open_dataset(r, Split::val);
  const auto evaluated = [&](Device device, int64_t at_once) {
    Detector d = make_detector(r, classes_of(*val));
    d.recipe.evaluation.batch = at_once;
    d.system->parameters().move_to(device);
    Evaluator evaluator(val, d);
    const int64_t before = host_waits();
    Evaluation e = evaluator.run(d);
    return std::pair(std::move(e), host_waits() - before);
  };
  const auto detections = [](const Evaluation& e) { return dynamic_cast<const CocoJudgement&>(*e.judgement).detections; };
  const auto [here, none] = evaluated(Device{}, 0);
  CHECK(none == 0);
  const std::vector<CocoDetection> want = detections(here);
  REQUIRE(want.size() == 12);  // four an image
  for (const auto& [at_once, waits] : {std::pair(1, 3), std::pair(0, 2), std::pair(3, 1)}) {
    INFO(at_once << " at once");
    const auto [there, waited] = evaluated(gpu_device(), at_once);
    CHECK(waited == waits);
    CHECK(there.images == 3);
    const std::vector<CocoDetection> got = detections(there);
    REQUIRE(got.size() == want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      CHECK(got[i].image_id == want[i].image_id);
      CHECK(got[i].label == want[i].label);
      CHECK(got[i].score == Approx(want[i].score).margin(1e-5));
      CHECK(got[i].box.x == Approx(want[i].box.x).margin(1e-2));
      CHECK(got[i].box.h == Approx(want[i].box.h).margin(1e-2));
    }
  }
  if constexpr (built == Built::emulated) count_accesses(true);
}
