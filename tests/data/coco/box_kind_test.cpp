#include "data/coco/box_kind.h"

#include "base/check.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

struct Sides {
  double x, y, w, h;
};

// Objects in images of 100×100; corners: boxes as [x0, y0, x1, y1]. Without polygons where they are not wanted.
std::string fault(const std::vector<Sides>& objects, bool corners, bool polygons, double scale = 1, double polygon_scale = 1) {
  std::string records;
  for (size_t k = 0; k < objects.size(); ++k) {
    const auto [x, y, w, h] = objects[k];
    const double s = polygon_scale;
    records += str(k > 0 ? ",\n" : "", "{\"id\": ", k + 1, ", \"image_id\": 1, \"category_id\": 1, \"area\": 1, \"bbox\": [", x * scale,
                   ", ", y * scale, ", ", (corners ? x + w : w) * scale, ", ", (corners ? y + h : h) * scale, "]");
    if (polygons)
      records += str(", \"segmentation\": [[", x * s, ", ", y * s, ", ", (x + w) * s, ", ", y * s, ", ", (x + w) * s, ", ", (y + h) * s,
                     ", ", x * s, ", ", (y + h) * s, "]]");
    records += "}";
  }
  return box_kind_fault(
      parse_coco(R"({"images": [{"id": 1, "width": 100, "height": 100, "file_name": "a"}], "categories": [{"id": 1, "name": "a"}],
    "annotations": [)" +
                     records + "]}",
                 "f.json", {.masks = polygons}));
}

}  // namespace

TEST_CASE("box kind: corners and shares of the image are told, boxes are left in peace", "[box_kind]") {
  std::vector<Sides> objects;
  for (int k = 0; k < 12; ++k) objects.push_back({5.0 + 4 * k, 50.0 - 3 * k, 20.0 + k, 40.0 + 2 * k});
  CHECK(fault(objects, false, true).empty());
  CHECK(fault(objects, false, false).empty());
  for (const bool polygons : {true, false})
    CHECK_THAT(fault(objects, true, polygons), Contains("all fit as corners [x0, y0, x1, y1]: write width = x1 - x0 and height = y1 - y0"));
  CHECK_THAT(fault(objects, false, false, 0.01), Contains("every box lies within 0 ... 1: these are shares of the image"));
  CHECK_THAT(fault(objects, false, true, 1, 0.01), Contains("every polygon lies within 0 ... 1: these are shares of the image"));
  CHECK_THAT(fault(objects, false, true, 0.01, 0.01), Contains("every box lies within 0 ... 1"));
  CHECK(fault({{0, 0, 1, 1}}, false, true).empty());  // one pixel
  CHECK(fault({}, false, true).empty());
  // Boxes that truly reach out of their image, and would fit as corners, are no corners by their masks; a few without masks prove nothing.
  const std::vector<Sides> far = {{60, 20, 90, 30}, {30, 40, 90, 50}};
  CHECK(fault(far, false, true).empty());
  CHECK(fault(far, false, false).empty());
}
