// Two stages through the program: an RPN's proposals, a Fast R-CNN on them; and where a model's time goes.
#include <nlohmann/json.hpp>

#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

const std::string boxes_alone =
    " --set data.scenes.height=64 --set data.scenes.width=96 --set data.scenes.images=4 --set data.val_scenes=2 --set data.workers=0 --set "
    "model.backbone.width=32 --set model.backbone.fpn.channels=16 --set model.box.width=16 --set train.batch=2 --set train.precision=f32 "
    "--set "
    "train.iterations=2";
const std::string small = boxes_alone + " --set model.mask.width=16";

Result ok(const std::string& command) {
  Result r = mrcnn(command);
  INFO(command << "\n" << r.out << r.err);
  REQUIRE(r.status == 0);
  return r;
}

}  // namespace

TEST_CASE("a detector is trained in two stages: proposals of the first, written, and the second on them", "[app]") {
  const std::string first = folder() + "/first", second = folder() + "/second", train = folder() + "/train.safetensors",
                    val = folder() + "/val.safetensors";
  ok("train scenes_small --out " + first + small);
  const std::string weights = first + "/last.safetensors";
  const Result made = ok("proposals " + weights + " --out " + train + " --most 50 --json");
  const auto figures = nlohmann::json::parse(made.out);
  CHECK(figures["images"] == 4);
  CHECK(figures["proposals"].get<int64_t>() > 0);
  CHECK(figures["proposals"].get<int64_t>() <= 200);
  CHECK(figures["recall_50"].get<double>() >= figures["recall_70"].get<double>());
  CHECK_THAT(ok("proposals " + weights + " --split val --out " + val).out,
             Contains(" proposals of 2 images; hash ") && Contains("% of the objects"));

  const std::string files = " --set data.proposals=" + train + " --set data.val_proposals=" + val;
  const Result trained = ok("train scenes_fast_rcnn --out " + second + small + files);
  CHECK_THAT(trained.out, Contains("hash " + figures["hash"].get<std::string>()));
  const Result judged = ok("eval " + second + "/last.safetensors --json" + files);
  CHECK(nlohmann::json::parse(judged.out)["images"] == 2);
  CHECK_THAT(judged.err, Contains("data.val_proposals: " + val));

  const auto fails = [](const std::string& command, const std::string& why) {
    const Result r = mrcnn(command);
    INFO(command);
    CHECK(r.status == 1);
    CHECK_THAT(r.err, Contains(why));
  };
  fails("proposals " + weights + " --out " + train, "--overwrite");
  fails("proposals " + second + "/last.safetensors --out " + folder() + "/none", "the network makes none of its own");
  fails("proposals scenes_small --out " + folder() + "/none", "is a recipe without weights");
  fails("train scenes_fast_rcnn --out " + folder() + "/none" + small + " --set data.proposals=" + val + " --set data.val_proposals=" + val,
        "has no proposals of 4 of the 4 images");
  ok("proposals scenes_small --out " + train + " --overwrite --set train.init=" + weights + small);
}

TEST_CASE("bench model --stages tells where the time goes, and what the masks add", "[app]") {
  const auto stages_of = [](const std::string& more) {
    return nlohmann::json::parse(ok("bench model --stages --json --repeats 1 --height 64 --width 96" + more).out);
  };
  const auto all = stages_of(" --recipe scenes_small" + small);
  double prediction = 0, training = 0;
  for (const auto& [name, s] : all["stages"].items()) {
    prediction += s["prediction"].get<double>();
    training += s["forward"].get<double>() + s["backward"].get<double>();
  }
  CHECK(prediction == Approx(all["prediction"].get<double>()).epsilon(1e-3));
  CHECK(training == Approx(all["training"].get<double>()).epsilon(1e-3));
  for (const char* name : {"trunk", "fpn", "rpn", "proposals", "sampling", "box head", "box head / roi features", "box head / nms",
                           "mask head", "mask head / roi features", "pasting", "optimiser", "other"}) {
    INFO(name);
    CHECK(all["stages"].contains(name));
  }
  CHECK(all["stages"]["trunk"]["backward"].get<double>() > 0);
  CHECK(all["masks_add_to_training"].get<double>() > 0);
  const auto boxes = stages_of(" --recipe scenes_small --set model.mask.kind=none" + boxes_alone);
  CHECK(boxes["masks_add_to_prediction"] == 0);
  CHECK_FALSE(boxes["stages"].contains("pasting"));
  CHECK(stages_of(" --recipe scenes_fast_rcnn" + small)["stages"].contains("mask head"));
  CHECK_THAT(ok("bench model --stages --repeats 1 --height 64 --width 96 --recipe scenes_small" + small).out, Contains("the masks add "));
  CHECK(mrcnn("bench model --stages --loaded 1 --recipe scenes_small").status == 2);
}
