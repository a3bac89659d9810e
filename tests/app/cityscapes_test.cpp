// Cityscapes' folders through the program: looked at, trained on, predicted for the server,
// evaluated.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::string kScenes = " --set data.scenes.height=64 --set data.scenes.width=96 --set data.scenes.min_pixels=20";

// Drawn scenes as Cityscapes' folders, and weights trained on them for two steps.
struct City {
  std::string root = folder() + "/city", run = folder() + "/city_run", weights = run + "/last.safetensors";
  std::string pictures = root + "/leftImg8bit/val/drawn", truth = root + "/gtFine/val";

  City() {
    ok("dataset draw --format cityscapes --out " + root + " --images 3 --split train" + kScenes);
    ok("dataset draw --format cityscapes --out " + root + " --images 2 --split val --first 50" + kScenes);
    ok("train scenes_small --out " + run + " --set data.kind=cityscapes --set data.root=" + root +
       " --set train.iterations=2 --set train.batch=1 --set train.precision=f32 --set model.backbone.width=32 --set model.fpn.channels=16"
       " --set model.box.width=16 --set model.mask.width=16");
  }
  static Result ok(const std::string& command) {
    Result r = mrcnn(command);
    INFO(command << "\n" << r.out << r.err);
    REQUIRE(r.status == 0);
    return r;
  }
};

const City& city() {
  static const City c;
  return c;
}

void wrong(const std::string& command, const std::string& what) {
  const Result r = mrcnn(command);
  INFO(command << "\n" << r.out);
  CHECK(r.status != 0);
  CHECK_THAT(r.err, Contains(what));
}

}  // namespace

TEST_CASE("cityscapes: lint, stats, show and convert take the folder", "[app]") {
  const City& c = city();
  Result r = City::ok("dataset lint --annotations " + c.root);
  CHECK_THAT(r.out, Contains("split train is not complete: 3 of its 2975 images") && Contains("split val is not complete: 2 of its 500"));
  CHECK_THAT(r.out, Contains(" 0 errors, ") && Contains("in 5 images"));
  CHECK_THAT(City::ok("dataset lint --split val --annotations " + c.root).out, Contains("in 2 images"));
  const std::string recipe = " --recipe scenes_small --set data.kind=cityscapes --set data.root=" + c.root;
  CHECK_THAT(City::ok("dataset lint" + recipe).out, Contains("in 3 images"));
  r = City::ok("dataset stats --annotations " + c.root);
  CHECK_THAT(r.out, Contains("3 images") && Contains("26.9k") && Contains("3 of its 2975 images are there"));
  CHECK(City::ok("dataset stats" + recipe).out == r.out);
  CHECK(nlohmann::json::parse(City::ok("dataset stats --split val --json" + recipe).out)["images"] == 2);
  City::ok("dataset show scenes_small --set data.kind=cityscapes --set data.root=" + c.root + " --images 2 --out " + folder() +
           "/city_shown");
  CHECK(fs::exists(folder() + "/city_shown/samples.png"));
  City::ok("dataset convert --from cityscapes " + c.root + " --out " + folder() + "/city_lint.json");
  CHECK_THAT(City::ok("dataset lint --annotations " + folder() + "/city_lint_val.json --images " + c.root + "/leftImg8bit").out,
             Contains("0 errors"));
  const std::string gone = folder() + "/city_half";
  fs::copy(c.root, gone, fs::copy_options::recursive);
  fs::remove(gone + "/gtFine/train/drawn/drawn_000001_000019_gtFine_instanceIds.png");
  r = mrcnn("dataset lint --annotations " + gone);
  CHECK(r.status == 1);
  CHECK_THAT(r.out, Contains("error: split train: there is ") && Contains("drawn_000001_000019_leftImg8bit.png, but not "));
  wrong("dataset stats --annotations " + gone, "1 file has no counterpart");
  wrong("dataset stats --annotations " + c.root + "/gtFine --split val", "lies within the download: the root is " + c.root);
  wrong("dataset lint", "lint: needs --annotations or --recipe");
}

TEST_CASE("cityscapes: predictions for the server are evaluated as by eval", "[app]") {
  const City& c = city();
  City::ok("dataset convert --from cityscapes " + c.root + " --out " + folder() + "/city_coco.json");
  const std::string out = folder() + "/server";
  const std::string predict = "predict " + c.weights + " " + c.pictures + " --no-pictures --format cityscapes --out " + out;
  City::ok(predict + " --set model.box.score=0.05");
  CHECK(fs::exists(out + "/drawn_000000_000019.txt"));
  CHECK(fs::exists(out + "/images.json"));
  CHECK_FALSE(fs::exists(out + "/results.json"));
  const auto figures = nlohmann::json::parse(City::ok("cityscapes-eval " + c.truth + " " + out + " --json").out);
  CHECK(figures["per_class"].size() == 8);
  CHECK(figures["AP"].is_number());
  const auto both = nlohmann::json::parse(City::ok("eval " + c.weights + " --json --set model.box.score=0.05").out);
  CHECK(both["cityscapes"] == figures);
  CHECK(both["segm"]["AP"].is_number());
  const Result table = City::ok("eval " + c.weights);
  CHECK_THAT(table.out, Contains("Cityscapes' figures") && Contains("COCO's figures"));
  const std::string scores = " --set evaluation.metric=cityscapes";
  CHECK(
      nlohmann::json::parse(City::ok("eval " + c.weights + " --json --set data.kind=scenes --set data.val_scenes=1" + kScenes + scores).out)
          .contains("cityscapes"));
  wrong("eval " + c.weights + scores + " --annotations " + folder() + "/city_coco_val.json --images " + c.root + "/leftImg8bit",
        "Cityscapes' metric: expected");
  CHECK_THAT(City::ok("cityscapes-eval " + c.truth + " " + out).out, Contains("2 images, ") && Contains("person") && Contains("  all "));
  const size_t masks = static_cast<size_t>(std::distance(fs::directory_iterator(out + "/masks"), fs::directory_iterator()));
  CHECK(masks > 0);
  wrong(predict, "holds results already");
  City::ok(predict + " --overwrite --score 0.99");
  CHECK(fs::is_empty(out + "/masks"));
  CHECK(read_text_file(out + "/drawn_000001_000019.txt").empty());
  CHECK(nlohmann::json::parse(City::ok("cityscapes-eval " + c.truth + " " + out + " --json").out)["AP"] == 0);

  fs::remove(out + "/drawn_000001_000019.txt");
  wrong("cityscapes-eval " + c.truth + " " + out, "there is no result file drawn_000001_000019*.txt");
  write_text_file(out + "/drawn_000001_000019.txt", "masks/none.png 26 0.5\n");
  wrong("cityscapes-eval " + c.truth + " " + out,
        out + "/drawn_000001_000019.txt: names the mask " + out + "/masks/none.png: there is no such file");
  write_text_file(out + "/drawn_000001_000019.txt", "masks/none.png 26\n");
  wrong("cityscapes-eval " + c.truth + " " + out, "drawn_000001_000019.txt: line 1: expected MASK LABEL SCORE");
  wrong("cityscapes-eval " + c.root + " " + out, "holds no ground truth; expected");
}

TEST_CASE("cityscapes: predict for the server refuses what it cannot name", "[app]") {
  const City& c = city();
  const std::string out = " --format cityscapes --out " + folder() + "/refused", street = folder() + "/street.png";
  fs::copy(c.pictures + "/drawn_000000_000019_leftImg8bit.png", street);
  wrong("predict " + c.weights + " " + street + out, street + ": expected a picture of Cityscapes, CITY_123456_123456_leftImg8bit.png");
  const std::string twice = folder() + "/drawn_000000_000019_other.png";
  fs::copy(street, twice);
  wrong("predict " + c.weights + " " + c.pictures + " " + twice + out, "two pictures have the name drawn_000000_000019");
  wrong("predict " + c.weights + " " + c.pictures + out + " --annotations a.json", "only with --format coco");
  CHECK_FALSE(fs::exists(folder() + "/refused"));
}

TEST_CASE("cityscapes: the night's recipe keeps its pictures decoded, which changes no bit of a training", "[app]") {
  const City& c = city();
  const std::string tiny =
      " --set train.iterations=4 --set train.batch=2 --set train.precision=f32 --set train.log_every=1 --set augment.crop_size=32"
      " --set model.backbone.width=32 --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16"
      " --set evaluation.at=[] --set preprocess.min_side=64 --set data.root=" +
      c.root;
  const auto run = [&](const std::string& name, const std::string& more) {
    Result r = City::ok("train cityscapes_night --out " + folder() + "/" + name + tiny + more);
    std::string losses;
    std::istringstream lines(read_text_file(folder() + "/" + name + "/metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const auto j = nlohmann::json::parse(line);
      if (j.contains("losses")) append(losses, j["losses"].dump() + j["gradient_norm"].dump() + "\n");
      if (j.contains("waiting")) CHECK((j["waiting"] >= 0 && j["waiting"] <= 1));
    }
    return std::pair(r.out, losses);
  };
  const auto [bare_told, bare] = run("night_bare", " --set data.cache=");
  CHECK(std::count(bare.begin(), bare.end(), '\n') == 4);
  CHECK_THAT(bare_told, !Contains("data.cache") && Contains("images/s, ") && Contains(" % of the time waiting, "));
  const auto [first_told, first] = run("night_first", "");
  CHECK_THAT(first_told, Contains("data.cache: " + c.root + "/mrcnn_cache: 0 of 3 pictures; all of them take 0.0138 MB at most"));
  CHECK(first == bare);
  const auto [second_told, second] = run("night_second", " --set data.workers=2");
  CHECK_THAT(second_told, Contains("mrcnn_cache: 3 of 3 pictures ("));
  CHECK(second == bare);
  write_text_file(c.root + "/not_a_folder", "");
  const auto [refused_told, refused] = run("night_refused", " --set data.cache=not_a_folder/cache");
  CHECK_THAT(refused_told, Contains("WARNING: data.cache: " + c.root + "/not_a_folder/cache: cannot be created: ") &&
                               Contains("; nothing more is put into it, and the run goes on without"));
  CHECK(refused == bare);
  City::ok("dataset lint --annotations " + c.root);
}
