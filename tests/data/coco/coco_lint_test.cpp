#include "data/coco/coco_lint.h"

#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "data/image/image.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;

namespace {

std::string saved(const std::string& text) {
  std::string path = test::own_path("coco_lint_test.json");
  std::ofstream(path) << text;
  return path;
}

}  // namespace

TEST_CASE("coco lint: all problems of a file, and what is sound is looked at further", "[coco_lint]") {
  const std::string folder = test::own_path("coco_lint_test_images");
  std::filesystem::create_directories(folder);
  write_png(folder + "/a.png", Image(4, 6));
  write_png(folder + "/b.png", Image(6, 4));
  std::ofstream(folder + "/c.png") << "not a picture";
  const std::string path = saved(R"({
    "images": [{"id": 1, "width": 6, "height": 4, "file_name": "a.png"}, {"id": 2, "width": 6, "height": 4, "file_name": "b.png"},
               {"id": 3, "width": 6, "height": 4, "file_name": "c.png"}, {"id": 4, "width": 6, "height": 4, "file_name": "d.png"},
               {"id": 5, "width": 6, "height": 4, "file_name": "../e.png"}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [
      {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 3, 3], "area": 9, "segmentation": [[0, 0, 3, 0, 3, 3, 0, 3]]},
      {"id": 2, "image_id": 1, "category_id": 1, "bbox": [0, 0, -3, 3], "area": -9, "segmentation": [[0, 0, 3, 0, 3, 3, 0, 3]]},
      {"id": 0, "image_id": 2, "category_id": 1, "bbox": [0, 0, 3, 3], "area": 9, "segmentation": [[0, 0, 3, 0, 3, 3, 0, 3]]},
      {"id": 4, "image_id": 5, "category_id": 1, "bbox": [0, 0, 3, 3], "area": 9, "segmentation": [[0, 0, 3, 0, 3, 3, 0, 3]]},
      {"id": 5, "image_id": 3, "category_id": 7, "bbox": [0, 0, 3, 3], "area": 9, "segmentation": {"size": [0, 0], "counts": ""}}]})");
  const LintReport r = lint_coco(path, {.images = folder});
  const std::string text = to_text(r);
  INFO(text);
  for (const std::string line :
       {"error: image 5: file_name: must not leave the image folder, got '../e.png'\n",
        "warning: annotation 2 (image 1): bbox: width must be above 0, got -3; training does without this object\n",
        "error: annotation 2 (image 1): area: must not be negative, got -9\n",
        "error: annotation 5 (image 3): segmentation: rle: size must be at least 1x1", "error: image 2: file_name: ",
        "b.png': height and width are 6x4, the annotations state 4x6: the annotations have height and width exchanged\n",
        "error: image 3: file_name: ", "error: image 4: file_name: ", "warning: annotation 0 (image 2): id: is 0",
        "warning: category 2: 'dog' has no object\n", "warning: images: 2 of 4 have no object\n",
        "warning: boxes: the ground truth, taken as detections, scores 0.",
        "warning: masks: the ground truth, taken as detections, scores 0.", "6 errors, 6 warnings in 4 images with 2 annotations\n"})
    CHECK(text.find(line) != std::string::npos);
  CHECK(text.find(path + ": error: ") == 0);
  CHECK(text.find("annotation 4") == std::string::npos);  // its image is at fault, and told
  CHECK(r.exit_status() == 1);
  CHECK(lint_coco(path, {.images = folder, .decode = true}).errors() == 6);
  CHECK(lint_coco(path).errors() == 3);
}

TEST_CASE("coco lint: what cannot be read is the only problem", "[coco_lint]") {
  const std::string path = saved("{\"images\": [");
  CHECK(to_text(lint_coco(path)) ==
        path + ": error: line 1, column 13 (byte 12): expected a value, got the end of the file: the JSON is truncated\n" + path +
            ": 1 error, 0 warnings in 0 images with 0 annotations\n");
  CHECK(to_text(lint_coco("/no/such.json")).find("/no/such.json: error: there is no such file\n") == 0);
  CHECK(lint_coco(saved("{}")).errors() == 3);
}

TEST_CASE("coco lint: a set without an object to learn from is an error", "[coco_lint]") {
  const std::string path = saved(R"({"images": [], "categories": [{"id": 1, "name": "cat"}], "annotations": []})");
  const LintReport none = lint_coco(path);
  CHECK(to_text(none).find(path + ": error: images: there are none\n") != std::string::npos);
  CHECK(none.exit_status() == 1);
  const auto lint = [](const std::string& annotation, const std::string& category = R"({"id": 1, "name": "cat"})") {
    return lint_coco(saved(R"({"images": [{"id": 1, "width": 6, "height": 4, "file_name": "a.png"}], "categories": [)" + category +
                           R"(], "annotations": [)" + annotation + "]}"));
  };
  const std::string record = R"({"id": 5, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "area": 4)",
                    square = R"(, "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]])";
  CHECK(lint(record + square + "}").exit_status() == 0);
  const struct {
    std::string annotation, told;
  } cases[] = {{"", "annotations: hold no object to learn from: there is no annotation of these classes"},
               {record + square + R"(, "iscrowd": 1})", "hold no object to learn from: all of its 1 annotations are crowds"},
               {record + R"(, "segmentation": [[1, 1, 1.1, 1, 1.1, 1.1]]})", "hold no object to learn from: there is no annotation"}};
  for (const auto& [annotation, told] : cases) {
    INFO(annotation);
    const LintReport r = lint(annotation);
    CHECK(to_text(r).find(told) != std::string::npos);
    CHECK(r.exit_status() == 1);
  }
  CHECK(to_text(lint("", "")).find("error: categories: there are none\n") != std::string::npos);
}

TEST_CASE("coco lint: the shared data sets have no errors", "[coco_lint]") {
  const std::string root = MR_SOURCE_DIR "/../shared/data/";
  if (!std::filesystem::exists(root + "coco100")) return skip("no ../shared/data/coco100");
  const LintReport r = lint_coco(root + "coco100/instances_train2017.json", {.images = root + "coco100/images"});
  INFO(to_text(r));
  CHECK(r.errors() == 0);
}
