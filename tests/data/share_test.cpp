// A share of the images, drawn by their ids.
#include "data/dataset_tools/share.h"

#include <algorithm>

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

TEST_CASE("a share is drawn by key and seed, and one item more changes the side of one other at most", "[data]") {
  std::vector<uint64_t> keys;
  for (uint64_t k = 1; k <= 200; ++k) keys.push_back(k);
  const std::vector<bool> drawn = draw_share(keys, 0.1, 0);
  CHECK(std::count(drawn.begin(), drawn.end(), true) == 20);
  CHECK(draw_share(keys, 0.1, 1) != drawn);
  std::vector<uint64_t> reversed(keys.rbegin(), keys.rend());
  std::vector<bool> again = draw_share(reversed, 0.1, 0);
  std::reverse(again.begin(), again.end());
  CHECK(again == drawn);  // whatever their order
  for (uint64_t more = 300; more < 320; ++more) {
    std::vector<uint64_t> longer = keys;
    longer.push_back(more);
    const std::vector<bool> now = draw_share(longer, 0.1, 0);
    int changed = 0;
    for (size_t i = 0; i < keys.size(); ++i) changed += now[i] != drawn[i];
    CHECK(changed <= 1);
  }
  for (const double share : {0.01, 0.99}) {  // neither part is empty
    const std::vector<bool> two = draw_share({1, 2}, share, 0);
    CHECK(two[0] != two[1]);
  }
}

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
