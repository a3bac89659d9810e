// A classifier through the program: crops of drawn objects, training, its figures, and a detector that starts from its trunk.
#include <nlohmann/json.hpp>

#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::string small_scenes = " --set data.scenes.height=96 --set data.scenes.width=192";
// A narrow trunk for crops of 40 pixels.
const std::string narrow =
    " --set model.trunk.width=8 --set augment.crop_size=32 --set preprocess.min_side=32 --set preprocess.max_side=32 --set "
    "train.precision=f32";

Result ok(const std::string& command) {
  Result r = mrcnn(command);
  INFO(command << "\n" << r.out << r.err);
  REQUIRE(r.status == 0);
  return r;
}

// Crops, and weights trained on them for ten steps.
struct Trunk {
  std::string objects = folder() + "/objects", run = folder() + "/trunk", best = run + "/best.safetensors";
  std::string data = " --set data.root=" + objects;
  std::string crops = "dataset crops scenes_small --side 40 --out " + objects + " --set data.scenes.images=16 --set data.val_scenes=8";

  Trunk() {
    CHECK_THAT(ok(crops).out, Contains(" pictures written to " + objects + "/train\n"));
    CHECK_THAT(ok(crops + " --split val").out, Contains(" pictures written to " + objects + "/val\n"));
    const Result trained = ok("train trunk_r18 --out " + run + data + narrow +
                              " --set train.batch=16 --set train.iterations=10 --set train.log_every=5 --set evaluation.at=[0.5]");
    CHECK_THAT(trained.out, Contains("top-1 0.") && Contains("top-5 "));
  }
};

const Trunk& trunk() {
  static const Trunk t;
  return t;
}

}  // namespace

TEST_CASE("a classifier: its folders are looked at as other data sets are", "[app]") {
  const Trunk& t = trunk();
  check_error(t.crops, "choose another folder");
  check_error("dataset crops scenes_small --split val --set data.val_scenes=0 --out " + folder() + "/classifier_none",
              "the recipe has no val split");
  check_error("dataset crops scenes_small --set data.scenes.images=1 --least-side 4000 --out " + folder() + "/classifier_none",
              "no object has a longer side of 4000 pixels or more");
  const std::string of = " --recipe trunk_r18" + t.data;
  CHECK_THAT(ok("dataset lint --decode" + of).out, Contains(" 0 errors, "));
  const auto stats = nlohmann::json::parse(ok("dataset stats --json" + of).out);
  CHECK(stats["images"] == stats["objects"]);
  ok("dataset show trunk_r18 --images 3 --out " + folder() + "/classifier_shown" + t.data);
  CHECK(fs::exists(folder() + "/classifier_shown/samples.png"));

  const std::string broken = folder() + "/broken_objects";
  fs::create_directories(broken + "/train/car");
  write_text_file(broken + "/train/car/1.png", "no picture");
  const Result r = mrcnn("dataset lint --recipe trunk_r18 --set data.root=" + broken);
  CHECK(r.status == 1);
  CHECK_THAT(r.out, Contains("error: image 1: image: ") && Contains("car/1.png"));
  check_error("dataset lint --recipe trunk_r18 --set data.root=" + folder() + "/nowhere", "nowhere/train: there is no such folder");
}

TEST_CASE("a classifier: eval, report, predict, bench and explain take it, or say what is not for it", "[app]") {
  const Trunk& t = trunk();
  CHECK_THAT(ok("eval " + t.best).out, Contains("accuracy by class") && Contains("top-5") && Contains("\n  all "));
  const auto figures = nlohmann::json::parse(ok("eval --json " + t.best).out);
  CHECK(figures["top1"].get<double>() <= figures["top5"].get<double>());
  CHECK(!figures["per_class"].empty());
  check_error("eval --type segm " + t.best, "the model has no mask head");
  check_error("eval --set evaluation.metric=coco " + t.best, "evaluation.metric: a classifier is judged by \"accuracy\"");
  ok("report " + t.run);
  const std::string page = read_text_file(t.run + "/report.html");
  CHECK_THAT(page, Contains("top-5</th>") && Contains(">top-1 accuracy by class</text>") && !Contains("Precision and recall"));
  const std::string found = folder() + "/classifier_named";
  ok("predict " + t.best + " " + t.objects + "/val/car --score 0 --out " + found);
  const auto results = nlohmann::json::parse(read_text_file(found + "/results.json"));
  REQUIRE(results.size() >= 5);
  CHECK(results[0]["bbox"] == nlohmann::json({0, 0, 40, 40}));
  ok("bench model --recipe trunk_r18 --height 64 --width 64 --repeats 1 --filter f32" + narrow);
  CHECK_THAT(ok("explain gradients --recipe trunk_r18" + t.data + narrow + " --set augment.crop_size=64").out,
             Contains("layer4") && !Contains("RPN"));
  check_error("explain rpn --weights " + t.best + " --image " + found + "/images.json", "holds no network with an RPN");
}

TEST_CASE("a classifier's weights start a detector for other data, and the trunk loads whole", "[app]") {
  const Trunk& t = trunk();
  const std::string data = folder() + "/classifier_own",
                    whole = "  backbone.body                                100             0             0\n";
  ok("dataset draw --images 20 --out " + data + small_scenes);
  const std::string create = "recipe new --annotations " + data + "/instances_train.json --images " + data + "/images";
  CHECK_THAT(ok(create + " --init " + t.best + " --out " + data + "/mine.toml").out,
             Contains("a trunk, ResNet-18") && Contains("all stages are trained"));
  CHECK_THAT(ok("weights fit " + t.best + " " + data + "/mine.toml").out, Contains(whole) && !Contains("WARNING"));
  CHECK_THAT(ok("train " + data + "/mine.toml --set train.iterations=1 --set train.batch=1 --out " + data + "/run").out,
             Contains(whole) && Contains("mask AP ") && !Contains("WARNING: these weights"));
  check_error(create + " --base trunk_r18 --out " + data + "/other.toml", "--base: trunk_r18: is a recipe for a classifier");
  // Of a recipe whose data is not there, the classes are as many as the file's.
  const std::string absent = folder() + "/absent";
  CHECK_THAT(ok("weights fit " + t.best + " trunk_r18 --set data.root=" + absent + narrow).out,
             Contains("data.train_images: " + absent + "/train is not there"));
}
