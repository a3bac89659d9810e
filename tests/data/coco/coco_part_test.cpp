// A part of the images of a COCO file, drawn by their ids.
#include "data/coco/coco_dataset.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

CocoFile file_of(int images) {
  std::string text = R"({"categories": [{"id": 3, "name": "cat"}], "images": [)";
  for (int i = 0; i < images; ++i)
    text += std::string(i ? ", " : "") + R"({"id": )" + std::to_string(100 + i) + R"(, "width": 8, "height": 8, "file_name": "a)" +
            std::to_string(i) + R"(.png"})";
  text += R"(], "annotations": [)";
  for (int i = 0; i < images; ++i)
    text += std::string(i ? ", " : "") + R"({"id": )" + std::to_string(i + 1) + R"(, "image_id": )" + std::to_string(100 + i) +
            R"(, "category_id": 3, "bbox": [1, 1, 4, 4], "area": 16, "segmentation": [[1, 1, 5, 1, 5, 5, 1, 5]]})";
  return parse_coco(text + "]}", "memory.json");
}

}  // namespace

TEST_CASE("the two parts of a COCO file are its images once, with their objects", "[data]") {
  CocoOptions options;
  options.part = CocoPart{0.25, 7, true};
  const CocoDataset drawn(file_of(20), "", options);
  options.part->drawn = false;
  const CocoDataset others(file_of(20), "", options);
  CHECK(drawn.size() == 5);
  CHECK(others.size() == 15);
  for (int64_t i = 0; i < drawn.size(); ++i) {
    CHECK(others.index_of(drawn.info(i).image_id) == -1);
    CHECK(drawn.instances(i).size() == 1);
  }
  CHECK(drawn.object_counts()[0].objects == 5);
  CHECK(others.object_counts()[0].objects == 15);
  CHECK_THROWS_WITH(CocoDataset(file_of(1), "", options), Contains("memory.json: expected two images at least"));
}
