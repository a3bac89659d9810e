#include "data/coco/image_names.h"

#include <filesystem>

#include "base/files.h"
#include "data/coco/coco_file.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

TEST_CASE("image names: absolute ones and addresses say what to write instead", "[image_names]") {
  CHECK(image_name_fault("sub/a b.jpg").empty());
  CHECK(image_name_fault("./a.jpg").empty());
  CHECK_THAT(image_name_fault("/data/images/a.jpg"), Contains("got '/data/images/a.jpg': write 'a.jpg'"));
  CHECK_THAT(image_name_fault("C:\\data\\a.jpg"), Contains("write 'a.jpg'"));
  CHECK_THAT(image_name_fault("https://x.org/a.jpg"), Contains("an address: fetch the pictures"));
  CHECK_THAT(image_name_fault("a/../../b.jpg"), Contains("must not leave the image folder"));
}

TEST_CASE("image names: of a file that is not there it is told what is", "[image_names]") {
  const std::string root = test::own_path("image_names_test"), folder = root + "/images";
  fs::remove_all(root);
  fs::create_directories(folder + "/train");
  fs::create_directories(root + "/other");
  for (const char* name : {"/images/a.jpg", "/images/B.JPG", "/images/c d.png", "/images/train/e.jpg", "/f.jpg"})
    write_text_file(root + name, "\xff\xd8\xff\xe0");                              // as a JPEG begins
  write_text_file(folder + "/p.json", R"({"shapes": [], "imagePath": "p.png"})");  // as labelme puts it beside its picture
  const auto hint = [&](const std::string& name) { return missing_image_hint(folder, name); };
  CHECK_THAT(hint("images/a.jpg"),
             Contains("file_name holds the folder already; name the folder above it, " + root + ", or take 'images/' off"));
  CHECK_THAT(hint("data/images/a.jpg"), Contains("file_name holds the folder already; take 'data/images/' off"));
  CHECK_THAT(hint("train\\e.jpg"),
             Contains("'train\\e.jpg' is written with backslashes, as on Windows: write train/e.jpg, which is there"));
  CHECK_THAT(hint("x\\a.jpg"), Contains("write a.jpg, which is there"));
  CHECK_THAT(hint("b.jpg"), Contains(folder + "/B.JPG is there: the names differ in upper and lower case"));
  CHECK_THAT(hint("a"), Contains(folder + "/a.jpg is there: file_name has another ending, or none"));
  CHECK_THAT(hint("a.png"), Contains(folder + "/a.jpg is there: file_name has another ending"));
  CHECK_THAT(hint("c%20d.png"), Contains(folder + "/c d.png is there: file_name is written as in an address"));
  CHECK_THAT(hint("e.jpg"), Contains(folder + "/train/e.jpg is there: name that folder, or write its name before each"));
  CHECK_THAT(hint("f.jpg"), Contains(root + "/f.jpg is there: name the folder " + root));
  CHECK(hint("nowhere.jpg").empty());
  CHECK(hint("p.png").empty());
  CHECK_THAT(missing_image_hint(root + "/none", "a.jpg"), Contains("none: there is no such folder"));
  CHECK_THAT(missing_image_hint(root + "/f.jpg", "a.jpg"), Contains("f.jpg: is a file; name the folder"));
  CHECK_THAT(missing_image_hint(folder + "/", "images/a.jpg"), Contains("name the folder above it, " + root));
  fs::remove_all(root);
}
