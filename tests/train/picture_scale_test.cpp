#include "train/picture_scale.h"

#include <regex>

#include "base/files.h"
#include "tests/catch.h"
#include "train/datasets.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// The settings in the answer of docs/faq.md to a question, one list for each `…` that holds some.
std::vector<std::vector<std::string>> answered(const std::string& question) {
  const std::string faq = read_text_file(MR_SOURCE_DIR "/docs/faq.md");
  const size_t at = faq.find("| " + question + " |");
  REQUIRE(at != std::string::npos);
  const std::string row = faq.substr(at, faq.find('\n', at) - at);
  std::vector<std::vector<std::string>> commands;
  static const std::regex code("`([^`]*--set[^`]*)`"), setting("--set ([^ ]+)");
  for (std::sregex_iterator c(row.begin(), row.end(), code), end; c != end; ++c) {
    const std::string text = (*c)[1];
    std::vector<std::string>& settings = commands.emplace_back();
    for (std::sregex_iterator s(text.begin(), text.end(), setting); s != end; ++s) settings.push_back((*s)[1]);
  }
  return commands;
}

}  // namespace

TEST_CASE("larger images: the answer of the FAQ enlarges what training sees and what prediction sees", "[picture_scale]") {
  const auto commands = answered("use larger images?");
  REQUIRE(commands.size() == 2);
  const struct {
    const char* recipe;
    PixelSize picture;
  } cases[] = {{"coco_r50_fpn_torchvision", {640, 480}}, {"nuclei_small", {512, 640}}};  // whole pictures, crops
  for (size_t k = 0; k < 2; ++k) {
    INFO(cases[k].recipe);
    const PictureScale before = picture_scale(load_recipe(cases[k].recipe), cases[k].picture),
                       after = picture_scale(load_recipe(cases[k].recipe, commands[k]), cases[k].picture);
    CHECK(after.prediction > 1.2 * before.prediction);
    CHECK(after.least > 1.2 * before.least);
    CHECK(after.least <= after.prediction);
    CHECK(after.prediction <= after.most);
  }
}

TEST_CASE("the scale of pictures, in training and in prediction", "[picture_scale]") {
  const auto scale = [](const std::vector<std::string>& assignments, PixelSize picture) {
    return picture_scale(load_recipe("coco_r50_fpn_torchvision", assignments), picture);
  };
  const PictureScale whole = scale({"augment.min_sides=[640, 800]"}, {400, 500});
  CHECK(whole.least == Approx(1.6));
  CHECK(whole.most == Approx(2));
  CHECK(whole.prediction == Approx(2));
  CHECK(scale({}, {400, 4000}).most == Approx(1333.0 / 4000).epsilon(0.01));  // bounded by the longer side
  const std::vector<std::string> crops = {"augment.crop_size=256", "augment.scale_min=1.0", "augment.scale_max=2.0",
                                          "preprocess.min_side=0", "preprocess.enlarge=1.5"};
  const PictureScale cropped = scale(crops, {512, 640});
  CHECK(cropped.least == 1);
  CHECK(cropped.most == 2);
  CHECK(cropped.prediction == Approx(1.5));
  CHECK(scale(crops, {64, 640}).least == 4);  // a picture smaller than the crop
  std::vector<std::string> halved = crops;    // what training holds is half as large
  halved.emplace_back("data.reduce=2");
  CHECK(scale(halved, {512, 640}).least == 0.5);
  CHECK(scale(halved, {512, 640}).most == 1);
  CHECK(scale(halved, {512, 640}).prediction == Approx(1.5));
}

TEST_CASE("a prediction outside of what training sees is told, for every shipped recipe is not", "[picture_scale]") {
  const auto fault = [](const std::string& recipe, std::vector<std::string> assignments, PixelSize picture = {1024, 2048}) {
    assignments.insert(assignments.end(), {"data.kind=scenes", "data.scenes.images=3", str("data.scenes.height=", picture.height),
                                           str("data.scenes.width=", picture.width)});
    const Recipe r = load_recipe(recipe, assignments);
    return scale_fault(r, *open_dataset(r, Split::train));
  };
  for (const ShippedRecipe& s : shipped_recipes()) {
    INFO(s.name);
    const bool of_one_object = s.name == "trunk_r18";  // as dataset crops makes them
    CHECK(fault(s.name, {"data.classes=[]", "data.category_ids=[]"}, of_one_object ? PixelSize{72, 72} : PixelSize{1024, 2048}).empty());
  }
  CHECK_THAT(fault("nuclei_small", {"preprocess.enlarge=4", "augment.crop_size=64"}),
             Contains("training sees pictures at 1 to 2 times their size (augment.crop_size, scale_min, scale_max), prediction at 4 "
                      "(preprocess.enlarge)"));
  CHECK_THAT(fault("coco_r50_fpn_torchvision",
                   {"preprocess.min_side=1600", "preprocess.max_side=4000", "data.classes=[]", "data.category_ids=[]"}),
             Contains("(augment.min_sides, max_side), prediction at ") && Contains("(preprocess.min_side, max_side)"));
}
