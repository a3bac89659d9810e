// Weights of other programs, from the command line.
#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::string golden = MR_SOURCE_DIR "/tests/golden/weights/detectors/";
// The network of the goldens (scripts/make_detector_goldens.py), as a recipe.
const std::string tiny =
    " --set model.backbone.width=2 --set model.backbone.norm=frozen --set model.fpn.channels=4 --set model.box.width=8 --set "
    "model.mask.width=4"
    " --set data.scenes.height=64 --set data.scenes.width=96 --set data.scenes.images=2 --set data.val_scenes=0 --set train.precision=f32"
    " --set train.iterations=1 --set train.batch=1";
const std::string three = " --set 'data.classes=[\"a\", \"b\", \"c\"]' --set 'data.category_ids=[1, 2, 3]' --set model.classes=3";

}  // namespace

TEST_CASE("weights fit: what a recipe takes from a file, as a table, a list and JSON", "[app]") {
  const Result table = mrcnn("weights fit " + golden + "detectron2.pkl scenes_small" + tiny);
  INFO(table.out << table.err);
  CHECK(table.status == 0);
  CHECK_THAT(table.out, Contains("tensors loaded, by detectron2's names"));
  CHECK_THAT(table.out, Contains("WARNING: weights with detectron2's names usually come from other settings than this recipe's") &&
                            Contains("--set 'preprocess.bgr=true'"));
  const Result other = mrcnn("weights fit " + golden + "reference.pth scenes_small --all" + tiny + " --set model.mask.width=8");
  CHECK_THAT(other.out,
             Contains("loaded          backbone.body.conv1.weight\n") && Contains("  roi_heads.mask_head                            0"));
  const Result json = mrcnn("weights fit " + golden + "renamed.pth scenes_small --json --rename detector.=" + tiny);
  CHECK_THAT(json.out,
             Contains("{\"naming\": \"torchvision\", \"loaded\": [\"backbone.body.conv1.weight\", ") && Contains("\"missing\": []"));
  check_error("weights fit " + golden + "renamed.pth scenes_small --rename no.=" + tiny, "no tensor of ");
  check_error("weights fit " + golden + "renamed.pth scenes_small --rename detector." + tiny, "expected FROM=TO");
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
