// Weights of other programs, from the command line.
#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::string golden = MR_SOURCE_DIR "/tests/golden/weights/detectors/";
// The network of the goldens (scripts/make_detector_goldens.py), as a recipe.
const std::string tiny =
    " --set model.backbone.width=2 --set model.backbone.norm=frozen --set model.backbone.fpn.channels=4 --set model.box.width=8 --set "
    "model.mask.width=4"
    " --set data.scenes.height=64 --set data.scenes.width=96 --set data.scenes.images=2 --set data.val_scenes=0 --set train.precision=f32"
    " --set train.iterations=1 --set train.batch=1";
const std::string skips = " --set train.skip_mismatch=true";
const std::string three = " --set 'data.classes=[\"a\", \"b\", \"c\"]' --set 'data.category_ids=[1, 2, 3]' --set model.classes=3";

}  // namespace

TEST_CASE("weights fit: what a recipe takes from a file, as a table, a list and JSON", "[app]") {
  const Result table = mrcnn("weights fit " + golden + "detectron2.pkl scenes_small" + tiny + skips);
  INFO(table.out << table.err);
  CHECK(table.status == 0);
  CHECK_THAT(table.out, Contains("tensors loaded, by detectron2's names"));
  CHECK_THAT(table.out, Contains("WARNING: weights with detectron2's names usually come from other settings than this recipe's") &&
                            Contains("--set 'preprocess.bgr=true'"));
  const Result other = mrcnn("weights fit " + golden + "reference.pth scenes_small --all" + tiny + " --set model.mask.width=8");
  CHECK_THAT(other.out,
             Contains("loaded          backbone.body.conv1.weight\n") && Contains("  roi_heads.mask_head                            0"));
  CHECK(other.status == 1);
  const Result json = mrcnn("weights fit " + golden + "renamed.pth scenes_small --json --rename detector.=" + tiny + skips);
  CHECK(json.status == 0);
  CHECK_THAT(json.out, Contains("{\"naming\": \"torchvision\", \"loaded\": [\"backbone.body.conv1.weight\", ") &&
                           Contains("\"missing\": []") && Contains("\"refusal\": \"\"}"));
  for (const std::string option : {"", " --json"}) {
    const Result nothing = mrcnn("weights fit " + golden + "renamed.pth scenes_small" + tiny + option);
    CHECK(nothing.status == 1);
    CHECK_THAT(nothing.out, Contains("--rename detector.= would make "));
  }
  check_error("weights fit " + golden + "renamed.pth scenes_small --rename no.=" + tiny, "no tensor of ");
  check_error("weights fit " + golden + "renamed.pth scenes_small --rename detector." + tiny, "expected FROM=TO");
}

TEST_CASE("weights fit: says what train would do with the recipe's own classes, and ends as train would", "[app]") {
  const std::string data = folder() + "/fitted", toml = data + "/mine.toml";
  REQUIRE(mrcnn("dataset draw --images 3 --out " + data + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  const std::string recipe = "base = \"scenes_small\"\n[data]\nkind = \"coco\"\nroot = \"" + data +
                             "\"\ntrain_annotations = \"instances_train.json\"\ntrain_images = \"images\"\nval_annotations = \"\"\n";
  write_text_file(toml, recipe);
  const std::string with = " " + golden + "reference.pth", fit = "weights fit" + with + " " + toml + tiny;
  const auto trained = [&](const std::string& options) {
    return mrcnn("train " + toml + tiny + options + " --init" + with + " --out " + data + "/run");
  };
  // Eight classes; the file has three.
  const Result refused = mrcnn(fit), by_train = trained("");
  CHECK(refused.status == 1);
  CHECK(by_train.status == 1);
  REQUIRE(by_train.err.starts_with("mrcnn: "));
  const std::string error = by_train.err.substr(7, by_train.err.find('\n') - 7);
  CHECK_THAT(refused.out, Contains("WARNING: train would refuse it: " + error) && Contains("[4, 8]") && Contains("[9, 8]"));
  CHECK_FALSE(fs::exists(data + "/run"));  // a training that is refused leaves nothing
  CHECK_THAT(mrcnn(fit + " --json").out, Contains("\"refusal\": \"") && !Contains("\"refusal\": \"\""));
  CHECK(mrcnn(fit + skips).status == 0);
  CHECK(trained(skips).status == 0);
  fs::rename(data + "/instances_train.json", data + "/elsewhere.json");
  const Result without = mrcnn(fit);
  CHECK(without.status == 0);
  CHECK_THAT(without.out, Contains("data.train_annotations: " + data +
                                   "/instances_train.json is not there: the classes are taken to be as many "
                                   "as the file's, 3\n"));
}

TEST_CASE("a file that a person names is written over only when asked", "[app]") {
  const std::string picture = folder() + "/over.svg", weights = folder() + "/over.safetensors", recipe = folder() + "/over.toml",
                    data = folder() + "/over_data", shown = folder() + "/over_shown";
  REQUIRE(mrcnn("dataset draw --images 2 --out " + data + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  const struct {
    std::string command, path;
  } cases[] = {{"explain dog --figure " + picture, picture},
               {"weights convert " + golden + "renamed.pth " + weights, weights},
               {"recipe new --annotations " + data + "/instances_train.json --images " + data + "/images --out " + recipe, recipe},
               {"dataset show scenes_small --images 1 --out " + shown + tiny, shown + "/samples.png"}};
  for (const auto& [command, path] : cases) {
    INFO(command);
    REQUIRE(mrcnn(command).status == 0);
    const std::string before = read_text_file(path);
    write_text_file(path, "mine");
    check_error(command, path + ": exists already, and is not written over; choose another name, or replace it with --overwrite");
    CHECK(read_text_file(path) == "mine");
    CHECK(mrcnn(command + " --overwrite").status == 0);
    const bool again = read_text_file(path) == before;
    CHECK(again);
  }
  fs::remove(weights);
  fs::create_symlink(folder() + "/nowhere", weights);
  check_error(cases[1].command, "exists already");
}

TEST_CASE("train --init and predict --recipe read weights of other programs", "[app]") {
  const std::string out = folder() + "/from_lightning";
  const Result trained = mrcnn("train scenes_small" + tiny + " --init " + golden + "lightning.ckpt --skip-mismatch --out " + out);
  INFO(trained.out << trained.err);
  REQUIRE(trained.status == 0);
  CHECK_THAT(trained.out, Contains("lightning.ckpt: ") && Contains("the others keep their initial values") && Contains("[4, 8]") &&
                              Contains("  roi_heads.mask_predictor                       2             2             0"));
  check_error("train scenes_small --rename a=b --out " + folder() + "/x", "--rename: expected --init FILE too");

  REQUIRE(mrcnn("dataset draw --images 1 --out " + folder() + "/one --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  const std::string predict = "predict " + golden + "renamed.pth " + folder() + "/one/images --recipe scenes_small" + tiny + three;
  const Result found = mrcnn(predict + " --rename detector.= --out " + folder() + "/found");
  INFO(found.out << found.err);
  CHECK(found.status == 0);
  check_error(predict + " --out " + folder() + "/found2", "--rename detector.= would make");
}

TEST_CASE("recipe new --init and one train are a fine-tuning", "[app]") {
  const std::string data = folder() + "/tuned";
  REQUIRE(mrcnn("dataset draw --images 20 --out " + data + " --set data.scenes.height=64 --set data.scenes.width=96").status == 0);
  const std::string annotations = " --annotations " + data + "/instances_train.json --images " + data + "/images";
  const Result made = mrcnn("recipe new --init " + golden + "reference.pth" + annotations + " --out " + data + "/mine.toml");
  INFO(made.out << made.err);
  REQUIRE(made.status == 0);
  CHECK_THAT(made.out, Contains("model.backbone.depth = 18") && Contains("2 of the 20 images, with ") &&
                           Contains("train.skip_mismatch = true") && Contains("then: mrcnn train " + data + "/mine.toml --out runs/mine"));
  const Result trained = mrcnn("train " + data + "/mine.toml --out " + data + "/run --set train.iterations=2 --set train.batch=1");
  INFO(trained.out << trained.err);
  REQUIRE(trained.status == 0);
  CHECK_THAT(trained.out, Contains("reference.pth: ") && Contains("tensors loaded") &&
                              Contains("  backbone.body                                100") && !Contains("WARNING: weights"));
  // Our own weights start another run, without their own.
  fs::rename(data + "/run/best.safetensors", data + "/own.safetensors");
  const Result again = mrcnn("recipe new --init " + data + "/own.safetensors" + annotations + " --out " + data + "/again.toml");
  INFO(again.out << again.err);
  REQUIRE(again.status == 0);
  CHECK_THAT(again.out, Contains("tensors load as they are. On another machine"));
  const Result rerun = mrcnn("train " + data + "/again.toml --out " + data + "/rerun --set train.iterations=1 --set train.batch=1");
  INFO(rerun.out << rerun.err);
  CHECK(rerun.status == 0);
  CHECK(mrcnn("eval " + data + "/rerun/best.safetensors --json").status == 0);  // on the images that were set apart

  check_error("recipe new" + annotations + " --rename a=b --out " + data + "/x.toml", "--rename: expected --init FILE too");
  check_error("recipe new" + annotations + " --val-share 0.5 --val-annotations a.json --out " + data + "/x.toml", "--val-share");
  check_error("recipe new" + annotations + " --init " + data + "/images --out " + data + "/x.toml", "got a folder");
  CHECK_FALSE(fs::exists(data + "/x.toml"));
}

TEST_CASE("train --init refuses another architecture, with the way out", "[app]") {
  const std::string with =
      "train scenes_small" + tiny + " --set model.backbone.depth=34 --init " + golden + "reference.pth --out " + folder();
  for (const char* option : {"", " --skip-mismatch"})
    check_error(with + "/refused" + option, "for the file it is model.backbone.depth = 18 (here 34); mrcnn recipe new --init ");
  const Result forced = mrcnn(with + "/forced --force");
  INFO(forced.out << forced.err);
  CHECK(forced.status == 0);
  const Result fit = mrcnn("weights fit " + golden + "reference.pth scenes_small" + tiny + " --set model.backbone.depth=34");
  CHECK_THAT(fit.out, Contains("WARNING: train would refuse it: ") && Contains("tensors would load, "));
  for (const char* option : {"--force", "--match-classes"})
    check_error("train scenes_small --out " + folder() + "/x " + option, std::string(option) + ": expected --init FILE too");
}
