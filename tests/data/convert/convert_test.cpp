#include <set>

#include "base/files.h"
#include "data/convert/recognise.h"
#include "tests/data/convert/convert_files.h"
#include "tests/data/image_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

// A picture and the labelme file of a square, in the folder; `label` is its class.
void annotated(const Folder& f, const std::string& name, const std::string& label = "cat") {
  picture(f, name + ".png", 20, 20);
  f.file(name + ".json", R"({"shapes": [{"label": ")" + label + R"(", "points": [[2, 2], [9, 2], [9, 9], [2, 9]]}], "imagePath": ")" +
                             std::filesystem::path(name).filename().string() + R"(.png", "imageHeight": 20, "imageWidth": 20})");
}

ConvertOptions options(const Folder& f, const std::string& in, double split = 0, uint64_t seed = 0) {
  ConvertOptions o;
  o.kind = "labelme", o.in = {f / in}, o.out = f / "out/data.json", o.split = split, o.seed = seed;
  std::filesystem::remove_all(f / "out");
  return o;
}

std::set<std::string> images_of(const std::string& file) {
  std::set<std::string> names;
  for (const CocoImage& im : read_coco(file).images) names.insert(im.file);
  return names;
}

}  // namespace

TEST_CASE("convert: a share of the images is for training, drawn by seed and name", "[convert]") {
  const Folder f;
  for (int i = 0; i < 40; ++i) annotated(f, "set/" + std::to_string(i), i % 2 ? "cat" : "dog");
  const ConvertReport r = convert_annotations(options(f, "set", 0.8));
  REQUIRE(r.files.size() == 2);
  CHECK(r.files[0].path == f / "out/data_train.json");
  CHECK(r.files[0].images == 32);
  CHECK(r.files[1].path == f / "out/data_val.json");
  CHECK(r.files[1].images == 8);
  const std::set<std::string> train = images_of(r.files[0].path), val = images_of(r.files[1].path);
  for (const std::string& name : val) CHECK_FALSE(train.contains(name));
  CHECK(train.size() + val.size() == 40);
  const CocoFile a = read_coco(r.files[0].path), b = read_coco(r.files[1].path);
  CHECK(a.categories.size() == 2);  // the same classes in both, whichever they hold
  CHECK(b.categories.size() == 2);
  std::set<int64_t> ids;
  for (const CocoFile* file : {&a, &b})
    for (const CocoAnnotation& x : file->annotations) ids.insert(x.id);
  CHECK(ids.size() == 40);

  CHECK(images_of(convert_annotations(options(f, "set", 0.8)).files[1].path) == val);
  CHECK(images_of(convert_annotations(options(f, "set", 0.8, 1)).files[1].path) != val);

  annotated(f, "set/new");  // of the 41, at most one of those that were there changes sides
  const std::set<std::string> after = images_of(convert_annotations(options(f, "set", 0.8)).files[1].path);
  int moved = 0;
  for (const std::string& name : val) moved += !after.contains(name);
  for (const std::string& name : after) moved += !val.contains(name) && name != "new.png";
  CHECK(moved <= 1);

  std::filesystem::create_directories(f / "moved/deep");
  std::filesystem::rename(f / "set", f / "moved/deep/set");  // nor does the folder matter
  CHECK(images_of(convert_annotations(options(f, "moved", 0.8)).files[1].path) == after);
}

TEST_CASE("convert: both sides of a split have an image", "[convert]") {
  const Folder f;
  annotated(f, "set/a");
  CHECK_THROWS_WITH(convert_annotations(options(f, "set", 0.5)), Contains("--split: expected two images at least, got 1"));
  annotated(f, "set/b");
  for (const double share : {0.01, 0.99}) CHECK(convert_annotations(options(f, "set", share)).files[1].images == 1);
  CHECK_THROWS_WITH(convert_annotations(options(f, "set", 1.5)), Contains("--split: expected a share between 0 and 1, got 1.5"));
}

TEST_CASE("convert: names start from the folder that holds all pictures", "[convert]") {
  const Folder f;
  annotated(f, "set/x/1/a");
  annotated(f, "set/x/2/b");
  const std::string set = std::filesystem::canonical(f / "set").string();
  ConvertReport r = convert_annotations(options(f, "set"));
  CHECK(r.image_folder == set + "/x");
  CHECK(images_of(r.files[0].path) == std::set<std::string>{"1/a.png", "2/b.png"});
  ConvertOptions o = options(f, "set");
  o.images = f / "set";
  r = convert_annotations(o);
  CHECK(r.image_folder == set);
  CHECK(images_of(r.files[0].path) == std::set<std::string>{"x/1/a.png", "x/2/b.png"});
}

TEST_CASE("convert: nothing is written over, nothing is written where something is wrong", "[convert]") {
  const Folder f;
  annotated(f, "set/a");
  annotated(f, "set/b");
  convert_annotations(options(f, "set"));
  ConvertOptions o = options(f, "set", 0.5);
  f.file("out/data_val.json", "mine");
  CHECK_THROWS_WITH(convert_annotations(o), Contains("data_val.json: exists already"));
  CHECK_FALSE(std::filesystem::exists(f / "out/data_train.json"));
  std::filesystem::remove(f / "set/b.png");
  CHECK_THROWS_WITH(convert_annotations(options(f, "set")), Contains("1 of 2 pictures were not found: b.png"));
  CHECK(std::filesystem::is_empty(f / "out"));
  f.file("set/b.png", "no picture");
  CHECK_THROWS_WITH(convert_annotations(options(f, "set")), Contains("set/b.png': is a text file, no picture"));
  o = options(f, "nowhere");
  CHECK_THROWS_WITH(convert_annotations(o), Contains("nowhere: there is no such file or folder"));
  o.kind = "labelm";
  CHECK_THROWS_WITH(
      convert_annotations(o),
      Contains("--from: expected labelme, via, yolo, voc, cvat, masks, instance-maps, cityscapes, got labelm; the nearest is labelme"));
  o = options(f, "set");
  o.images = f / "nowhere";
  CHECK_THROWS_WITH(convert_annotations(o), Contains("nowhere: expected the folder of the pictures, got nothing"));
  o = options(f, "set/a.json");
  o.kind = "via";
  CHECK_THROWS_WITH(convert_annotations(o), Contains("a.json: is a labelme file: --from labelme reads it"));
  o.in = {f / "set"};
  CHECK_THROWS_WITH(convert_annotations(o), Contains("set: expected a folder with files for --from via, got 2 .json files of other kinds"));
  std::filesystem::create_directories(f / "empty");
  CHECK_THROWS_WITH(convert_annotations(options(f, "empty")), Contains("empty: expected a folder with .json files, got one without"));
}

TEST_CASE("convert: class names are cut of blanks, and one that is missing is asked for", "[convert]") {
  const Folder f;
  annotated(f, "set/a", " cat ");
  annotated(f, "set/b", "cat");
  annotated(f, "set/c", "Ünï \\\"q\\\"");
  ConvertReport r = convert_annotations(options(f, "set"));
  REQUIRE(r.classes.size() == 2);
  CHECK(r.classes[0].name == "cat");
  CHECK(r.classes[0].objects == 2);
  CHECK(read_coco(r.files[0].path).categories[1].name == "Ünï \"q\"");
  annotated(f, "set/c", "  ");
  CHECK_THROWS_WITH(convert_annotations(options(f, "set")), Contains("c.json: shapes[0]: has no class; --class NAME"));
  ConvertOptions o = options(f, "set");
  o.class_name = "thing";
  CHECK(convert_annotations(o).classes[1].name == "thing");
}

TEST_CASE("convert: a picture with an EXIF orientation is upright", "[convert]") {
  const Folder f;
  annotated(f, "a");
  Jpeg turned;
  turned.exif = exif_marker(6, true);
  const test::File jpeg = encode_jpeg(std::vector<uint8_t>(3 * 20 * 30), 20, 30, JCS_RGB, turned);  // 30 x 20 upright
  f.file("a.png", std::string(jpeg.begin(), jpeg.end()));
  const auto state = [&](const char* size) {
    f.file("a.json",
           R"({"shapes": [{"label": "a", "points": [[2, 2], [9, 2], [9, 25]]}], "imagePath": "a.png", )" + std::string(size) + "}");
  };
  state(R"("imageHeight": 30, "imageWidth": 20)");
  const ConvertReport r = convert_annotations(options(f, "a.json"));
  CHECK(read_coco(r.files[0].path).images[0].height == 30);
  state(R"("imageHeight": 20, "imageWidth": 30)");
  CHECK_THROWS_WITH(
      convert_annotations(options(f, "a.json")),
      Contains("a.json: states 20x30 pixels") && Contains("has 30x20 once it is turned upright as its EXIF orientation says"));
}

TEST_CASE("convert: the report as text and as JSON", "[convert]") {
  const Folder f;
  annotated(f, "set/a");
  picture(f, "set/b.png", 20, 20);
  f.file("set/b.json", R"({"shapes": [{"label": "dog", "points": [[1, 1]], "shape_type": "point"}], "imagePath": "b.png"})");
  const ConvertReport r = convert_annotations(options(f, "set"));
  const std::string text = to_text(r);
  CHECK_THAT(text, Contains("2 images, 1 object\n") && Contains("       1         1  cat\n"));
  CHECK_THAT(text,
             Contains("left out: 1 records without extent:\n  ") && Contains("b.json: shapes[0] (dog): a point shape encloses nothing\n"));
  CHECK_THAT(text, Contains("note: 1 of 2 images has no object") && Contains("wrote " + f.path() + "/out/data.json: 2 images, 1 object\n"));
  CHECK_THAT(text, Contains("file names start from " + std::filesystem::canonical(f / "set").string() + " (data.train_images)"));
  CHECK_THAT(to_json(r),
             Contains("\"left_out\": 1, \"left_out_first\": [\"") && Contains("{\"id\": 1, \"name\": \"cat\", \"objects\": 1}"));
}

TEST_CASE("convert: what is recognised can be converted", "[convert]") {
  std::set<std::string> kinds;
  for (const ConvertKind& k : convert_kinds()) kinds.insert(k.name);
  const Folder f;
  annotated(f, "a");
  f.file("yolo.txt", "0 0.1 0.1 0.2 0.2\n");
  f.file("v.json", R"({"_via_img_metadata": {}})");
  f.file("voc.xml", "<annotation/>");
  f.file("cvat.xml", "<annotations/>");
  for (const char* name : {"a.json", "yolo.txt", "v.json", "voc.xml", "cvat.xml"}) {
    INFO(name);
    CHECK(kinds.contains(recognise_annotations(f / name).kind));
  }
}
