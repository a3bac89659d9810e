// A program's own system through train() and load_detector(): the data is read as that system needs it.
#include "tests/catch.h"
#include "tests/train/own_data.h"
#include "tests/train/told.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

// An R-CNN with masks, or without, whatever the recipe's model says of them.
SystemMaker maker(bool masks) {
  return [masks](const ModelConfig& model, std::optional<uint64_t> seed) {
    ModelConfig own = model;
    set_masks(rcnn(own), masks);
    return make_system(own, seed);
  };
}

}  // namespace

TEST_CASE("a system of one's own is trained, evaluated and loaded by what it needs, and not by the recipe's model", "[train]") {
  const Folder folder;
  const NewRecipeOptions data = pictures(folder, 20, two_classes);
  const auto recipe = [&](const std::string& masks) {
    return made(data, {"model.backbone.width=32", "model.backbone.fpn.channels=16", "model.box.width=32", "model.mask.kind=" + masks,
                       "train.iterations=1", "train.batch=1", "train.precision=f32", "data.workers=0", "augment.crop_size=64"});
  };
  const Recipe boxes = recipe("none");
  CHECK_FALSE(traits_of(boxes.model).masks);
  CHECK(traits_of(boxes.model, maker(true)).masks);
  CHECK_THAT(told(boxes, {.folder = folder / "masks", .make_system = maker(true)}), Contains("mask AP "));
  CHECK(load_detector(folder / "masks/best.safetensors", {.make_system = maker(true)}).system->traits().masks);

  CHECK_THAT(told(recipe("fcn"), {.folder = folder / "boxes", .make_system = maker(false)}), Contains("box AP ") && !Contains("mask AP "));
  const std::string best = folder / "boxes/best.safetensors";
  CHECK_FALSE(load_detector(best, {.make_system = maker(false)}).system->traits().masks);
  CHECK_THROWS_WITH(load_detector(best), Contains("best.safetensors: lacks roi_heads.mask_head.") &&
                                             Contains(" of the model in its recipe") &&
                                             Contains("a network of a program's own is loaded by that program"));
}
