// From other people's annotations to a recipe, as a user goes.
#include "tests/app/program.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// Ten pictures with labelme files in a folder of this name.
std::string shots(const std::string& name) {
  const std::string dir = folder() + "/" + name;
  fs::create_directories(dir);
  for (int i = 0; i < 10; ++i) {
    const std::string picture = "p" + std::to_string(i) + ".pgm";
    write_text_file(dir + "/" + picture, "P5\n64 48\n255\n" + std::string(64 * 48, static_cast<char>(20 * i)));
    write_text_file(dir + "/p" + std::to_string(i) + ".json",
                    R"({"shapes": [{"label": "cat", "points": [[4, 4], [30, 6], [20, 40]], "shape_type": "polygon"},)"
                    R"( {"label": "dog", "points": [[40, 20]], "shape_type": "point"}], "imagePath": ")" +
                        picture + R"(", "imageHeight": 48, "imageWidth": 64})");
  }
  return dir;
}

}  // namespace

TEST_CASE("dataset convert: labelme files become COCO files, a recipe, and pass lint", "[app]") {
  const std::string dir = shots("shots"), out = folder() + "/made/shots.json";
  Result r = mrcnn("dataset convert --from labelme " + dir + " --out " + out + " --split 0.8 --json");
  INFO(r.err);
  REQUIRE(r.status == 0);
  CHECK_THAT(r.out, Contains("\"left_out\": 10") && Contains("shots_train.json") && Contains("\"images\": 8"));
  r = mrcnn("dataset convert --from labelme " + dir + " --out " + folder() + "/made/again.json --split 0.8");
  CHECK_THAT(r.out,
             Contains("left out: 10 records without extent, the first of them:\n") && Contains("p0.json: shapes[1] (dog): a point shape"));
  CHECK_THAT(r.out, Contains("next: mrcnn recipe new --annotations " + folder() + "/made/again_train.json --val-annotations ") &&
                        Contains("(data.train_images)") && Contains(" --init WEIGHTS --out mine.toml\n"));
  const std::string train = folder() + "/made/shots_train.json", val = folder() + "/made/shots_val.json";
  CHECK(mrcnn("dataset lint --annotations " + train + " --images " + dir).status == 0);
  r = mrcnn("recipe new --annotations " + train + " --val-annotations " + val + " --images " + dir + " --out " + folder() +
            "/made/shots.toml");
  INFO(r.err);
  CHECK(r.status == 0);
  check_error("dataset convert --from labelme " + dir + " --out " + out + " --split 0.8", "shots_train.json: exists already");
  check_error("dataset convert --from labelme " + dir + " --out " + folder() + "/made/x.json --faulty stop",
              "p0.json: shapes[1] (dog): a point shape encloses nothing");
  check_error("dataset convert --from labelme " + dir + " --out " + folder() + "/made/x.json --split 2", "--split");
  check_error("dataset convert --from lableme " + dir + " --out " + folder() + "/made/x.json", "--from");
  check_error("dataset convert --from labelme --out " + folder() + "/made/x.json", "IN");
  CHECK_FALSE(fs::exists(folder() + "/made/x.json"));
}

TEST_CASE("train says what it was given in place of a recipe, and the command that goes on", "[app]") {
  const std::string dir = folder() + "/instead", run = " --out " + folder() + "/instead_run";
  fs::create_directories(dir + "/pairs/images");
  fs::create_directories(dir + "/pairs/masks");
  for (const char* name : {"/pairs/images/a.png", "/pairs/masks/a_1.png"}) write_text_file(dir + name, "");
  const auto told = [&](const std::string& name, const std::string& text, const std::string& part) {
    if (!text.empty()) write_text_file(dir + "/" + name, text);
    check_error("train " + dir + "/" + name + run, dir + "/" + name + ": " + part);
  };
  const auto converts = [&](const std::string& what, const std::string& kind, const std::string& name) {
    return "is " + what + ", not a recipe: mrcnn dataset convert --from " + kind + " " + dir + "/" + name +
           " --out FILE.json makes a COCO file of it, and mrcnn recipe new a recipe of that";
  };
  const std::string coco = R"({"images": [], "annotations": [], "categories": []})";
  told("a.json", coco,
       "is a COCO annotation file, not a recipe: mrcnn recipe new --annotations " + dir + "/a.json --images DIR --out mine.toml");
  told("large.json", coco + std::string(2 << 20, ' '), "is a COCO annotation file, not a recipe");
  told("l.json", R"({"shapes": [], "imagePath": "a.png"})", converts("a labelme file", "labelme", "l.json"));
  told("c.xml", "<annotations/>", converts("a CVAT file", "cvat", "c.xml"));
  told("t.csv", "a,b,c,d\n1,2,3,4\n", "is a table (CSV), not a recipe: write it as COCO");
  told("pairs", "", converts("a folder of pictures and masks, a picture an object", "masks", "pairs"));
  check_error("train " + shots("instead_shots") + run, "is a labelme file, not a recipe: mrcnn dataset convert --from labelme");
  write_text_file(dir + "/broken.toml", "a = ");
  check_error("train " + dir + "/broken.toml" + run, "broken.toml:1:5: expected a value");  // a recipe with a fault stays one
}

TEST_CASE("recipe new and train name the command that converts what they were given", "[app]") {
  const std::string dir = shots("given");
  const std::string said =
      "is a labelme file, not COCO: mrcnn dataset convert --from labelme " + dir + "/p0.json --out FILE.json makes one of it";
  check_error("recipe new --annotations " + dir + "/p0.json --images " + dir + " --out " + folder() + "/given.toml", said);
  check_error("recipe new --annotations " + dir + " --images " + dir + " --out " + folder() + "/given.toml",
              "is a folder of such: p0.json is a labelme file");
  check_error("train nuclei_small --out " + folder() + "/given_run --set data.root=" + dir + " --set data.train_annotations=p0.json", said);
  CHECK_FALSE(fs::exists(folder() + "/given.toml"));
}
