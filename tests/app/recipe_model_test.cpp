#include <nlohmann/json.hpp>

#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

struct Sums {
  int64_t parameters = 0, multiply_adds = 0;
};

Sums sums(const std::string& arguments) {
  const Result r = mrcnn("recipe show " + arguments + " --model --json");
  INFO(r.err);
  REQUIRE(r.status == 0);
  Sums s;
  for (const auto& part : nlohmann::json::parse(r.out)) {
    s.parameters += part.at("parameters").get<int64_t>();
    s.multiply_adds += part.at("multiply_adds").get<int64_t>();
  }
  return s;
}

}  // namespace

TEST_CASE("recipe show --model: counts are those that are published", "[app]") {
  // torchvision's table of ResNet-18: 11,689,512 parameters; 1.814 G at 224×224, which is the sum over its layers
  const Sums resnet = sums("trunk_r18 --set model.classes=1000 --height 224 --width 224");
  CHECK(resnet.parameters == 11'689'512);
  CHECK(resnet.multiply_adds == 1'814'073'344);
  CHECK(sums("coco_r50_fpn_torchvision --set model.classes=90 --height 64 --width 64").parameters == 44'401'393);
}

TEST_CASE("recipe show --model: the table of parts, and of every layer", "[app]") {
  const std::string small = "recipe show scenes_small --set model.backbone.fpn.channels=16 --set model.mask.width=8 --model";
  const Result parts = mrcnn(small);
  CHECK(parts.status == 0);
  CHECK_THAT(parts.out, Contains("backbone.body.layer1 ") && Contains("roi_heads.mask_head ") && Contains(", of ") && Contains(" … "));
  CHECK_THAT(parts.out, !Contains("layer1.0"));
  CHECK_THAT(mrcnn(small + " --layers").out, Contains("backbone.body.layer1.0.conv1 "));
  // Twice the picture along both sides: four times the work of a layer that sees all of it.
  const auto first = [&](const std::string& size) {
    return nlohmann::json::parse(mrcnn(small + " --json" + size).out).at(0).at("multiply_adds").get<int64_t>();
  };
  CHECK(first(" --height 128 --width 256") == 4 * first(" --height 64 --width 128"));
  check_error("recipe show scenes_small --height 64", "--model");
}
