// Polygons as cityscapesScripts paints them (scripts/golden_cityscapes wrote the maps), and maps
// that are none.
#include "data/cityscapes/instance_map.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/files.h"
#include "data/cityscapes/labels.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;
using Catch::Matchers::Contains;
using mr::test::Folder;

namespace {

// The goldens' maps hold the training's ids: 0 … 18 for the labels that are trained on, 255 for the
// others.
uint16_t training_id(uint16_t id) {
  constexpr int ids[] = {255, 255, 255, 255, 255, 255, 255, 0,  1,  255, 255, 2,  3,   4,   255, 255, 255,
                         5,   255, 6,   7,   8,   9,   10,  11, 12, 13,  14,  15, 255, 255, 16,  17,  18};
  const int training = ids[cityscapes_label_of(id)];
  return static_cast<uint16_t>(id < 1000 || training == 255 ? training : 1000 * training + id % 1000);
}

std::string hash(const std::vector<uint16_t>& ids) {
  uint64_t h = 0xcbf29ce484222325;
  for (const uint16_t id : ids)
    for (const int byte : {id & 255, id >> 8}) h = (h ^ static_cast<uint64_t>(byte)) * 0x100000001b3;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(h));
  return text;
}

std::string polygons(const std::string& objects, const std::string& size = R"("imgHeight": 4, "imgWidth": 6)") {
  return str("{", size, R"(, "objects": [)", objects, "]}");
}

std::string object(const std::string& label, const std::string& points = "[[0, 0], [2, 0], [2, 1]]", const std::string& more = "") {
  return str(R"({"label": ")", label, R"(", "polygon": )", points, more, "}");
}

std::vector<uint16_t> painted(const std::string& text) { return paint_cityscapes_polygons(text, "a.json").pixels; }

}  // namespace

TEST_CASE("cityscapes maps: polygons are painted as by createTrainIdInstanceImgs, pixel for pixel", "[cityscapes]") {
  const auto golden = nlohmann::json::parse(read_text_file(MR_SOURCE_DIR "/tests/data/cityscapes/goldens/polygons.json"));
  CHECK(golden.size() == 60);
  size_t number = 0;
  for (const auto& one : golden) {
    Bitmap16 map = paint_cityscapes_polygons(one["polygons"].get<std::string>(), "golden.json");
    for (uint16_t& id : map.pixels) id = training_id(id);
    INFO("number " << number++);
    REQUIRE(map.height == one["size"][0]);
    REQUIRE(map.width == one["size"][1]);
    if (one.contains("hash")) {
      CHECK(hash(map.pixels) == one["hash"]);
      continue;
    }
    std::vector<uint16_t> expected;
    for (size_t k = 0; k + 1 < one["runs"].size(); k += 2)
      expected.insert(expected.end(), one["runs"][k + 1].get<size_t>(), one["runs"][k].get<uint16_t>());
    CHECK(map.pixels == expected);
  }
}

TEST_CASE("cityscapes maps: numbers of objects, groups, what is not painted", "[cityscapes]") {
  const auto ids =
      painted(polygons(object("car", "[[0, 0], [5, 0]]") + "," + object("license plate", "[[0, 0], [5, 3]]") + "," +
                       object("car", "[[0, 1], [5, 1]]", R"(, "deleted": 1)") + "," + object("car", "[[0, 2], [5, 2]]") + "," +
                       object("cargroup", "[[0, 3], [1, 3]]") + "," + object("polegroup", "[[2, 3], [3, 3]]") + "," +
                       object("caravan", "[[4, 3], [4.9, 3.9]]") + "," + object("bus", "[[0, 0], [1, 0]]", R"(, "deleted": true)")));
  CHECK(ids == std::vector<uint16_t>{26000, 26000, 26000, 26000, 26000, 26000,  //
                                     0,     0,     0,     0,     0,     0,      //
                                     26001, 26001, 26001, 26001, 26001, 26001,  //
                                     26,    26,    18,    18,    29000, 0});
}

TEST_CASE("cityscapes maps: polygons that are none are named by file, object and field", "[cityscapes]") {
  const auto wrong = [](const std::string& text, const std::string& what) {
    INFO(text);
    CHECK_THROWS_WITH(painted(text), Contains("a.json") && Contains(what));
  };
  wrong(polygons(object("car") + "," + object("ufo")), "objects[1]: label: expected one of Cityscapes, got ufo");
  wrong(polygons(object("ufogroup")), "objects[0]: label: expected one of Cityscapes, got ufo");
  wrong(polygons(object("car", "[[1, 1]]")), "objects[0]: polygon: expected two points or more, got 1");
  wrong(polygons(object("car", "[[1, 1, 1], [2, 2]]")), "objects[0]: polygon: expected points [x, y], got 3 numbers");
  wrong(polygons(object("car", "[[1, 1e7], [2, 2]]")), "objects[0]: polygon: expected coordinates within 1e6");
  wrong(polygons(object("car", "[[1, NaN], [2, 2]]")), "objects[0]: polygon: expected coordinates within 1e6");
  wrong(polygons(R"({"label": "car"})"), "objects[0]: expected a label and a polygon");
  wrong(R"({"imgHeight": 4, "objects": []})", "expected imgHeight, imgWidth and objects");
  wrong(polygons("", R"("imgHeight": 4, "imgWidth": 2.5)"), "imgWidth: expected a whole number from 1 to 65535, got 2.5");
  wrong(polygons(object("car")).substr(0, 60), "line 1");
  std::string many = object("car");
  for (int k = 0; k < 1000; ++k) many += "," + object("car");
  wrong(polygons(many), "objects[1000]: expected at most 1000 objects of the label car");
}

TEST_CASE("cityscapes maps: instanceIds must be a whole PNG of 16 bits with Cityscapes' labels", "[cityscapes]") {
  const Folder f;
  const auto fault = [](const std::string& path) {
    try {
      read_instance_map(path);
    } catch (const ImageError& e) {
      CHECK(e.file == path);
      CHECK_THAT(e.what(), Contains(path));
      return std::pair(e.fault, std::string(e.what()));
    }
    return std::pair(ImageFault::cannot_open, std::string("none"));
  };
  Bitmap16 map(4, 6);
  map.pixels = {26000, 26000, 26001, 26, 7, 7, 33999, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::string path = f / "a_000000_000019_gtFine_instanceIds.png";
  write_png(path, map);
  CHECK(read_instance_map(path).pixels == map.pixels);
  CHECK(instance_map_size(path) == PixelSize{4, 6});
  const std::string bytes = read_text_file(path);
  f.write("cut.png", bytes.substr(0, bytes.size() / 2));
  CHECK(fault(f / "cut.png").first == ImageFault::corrupt);
  write_png(f / "labels.png", Bitmap(4, 6));
  CHECK(fault(f / "labels.png").first == ImageFault::unsupported);
  CHECK_THAT(fault(f / "labels.png").second, Contains("a grey PNG of 16 bits, got PNG of 1 channel, 8 bits each"));
  write_png(f / "colour.png", Image(4, 6));
  CHECK_THAT(fault(f / "colour.png").second, Contains("got PNG of 3 channels, 8 bits each"));
  map.at(2, 3) = 34;
  write_png(path, map);
  CHECK_THAT(fault(path).second, Contains("row 2, column 3: the instance id 34 is that of no label"));
  map.at(2, 3) = 65535;
  write_png(path, map);
  CHECK(fault(path).first == ImageFault::corrupt);
}
