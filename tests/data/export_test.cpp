#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "data/cityscapes/labels.h"
#include "data/coco/coco_dataset.h"
#include "data/export/cityscapes_writer.h"
#include "data/export/coco_writer.h"
#include "data/export/outline.h"
#include "data/image/image.h"
#include "data/scenes/scene_dataset.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / ("mr_export_" + std::to_string(getpid()))).string();
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

SceneDataset drawn_scenes(int64_t images) {
  SceneOptions o;
  o.images = images;
  o.first = 7;
  o.height = 80;
  o.width = 144;
  o.min_pixels = 20;
  return SceneDataset(o);
}

std::string text_of(const std::string& path) {
  std::ifstream f(path);
  std::stringstream s;
  s << f.rdbuf();
  return s.str();
}

// A data set of one image made by hand.
class OneImage : public Dataset {
 public:
  std::vector<std::string> names{"car", "per\"son\n"};
  std::vector<Instance> list;
  int64_t size() const override { return 1; }
  const std::vector<std::string>& class_names() const override { return names; }
  std::vector<int64_t> category_ids() const override { return {3, 90}; }
  ImageInfo info(int64_t) const override { return {5, 4, 6, ""}; }
  std::vector<Instance> instances(int64_t) const override { return list; }
  Sample sample(int64_t i) const override { return {info(i), Image(4, 6), list}; }
};

Instance rectangle(int64_t id, int label, int x0, int y0, int w, int h) {
  Instance i;
  i.id = id;
  i.label = label;
  i.box = {static_cast<float>(x0), static_cast<float>(y0), static_cast<float>(x0 + w), static_cast<float>(y0 + h)};
  i.mask = {4, 6, x0, y0, Bitmap(h, w)};
  std::fill(i.mask.bits.pixels.begin(), i.mask.bits.pixels.end(), uint8_t{1});
  i.area = w * h;
  return i;
}

}  // namespace

TEST_CASE("COCO export: read back, it is the same data set") {
  const Folder folder;
  const SceneDataset d = drawn_scenes(5);
  write_coco(d, folder.path, "train");
  write_coco(drawn_scenes(1), folder.path, "val");
  const CocoDataset back(folder.path + "/instances_train.json", folder.path + "/images");
  REQUIRE(back.size() == d.size());
  CHECK(back.class_names() == d.class_names());
  CHECK(back.category_ids() == d.category_ids());
  for (int64_t k = 0; k < d.size(); ++k) {
    const Sample a = d.sample(k), b = back.sample(k);
    CHECK(a.info.image_id == b.info.image_id);
    CHECK(a.image.rgb == b.image.rgb);
    REQUIRE(a.instances.size() == b.instances.size());
    for (size_t i = 0; i < a.instances.size(); ++i) {
      const Instance &p = a.instances[i], &q = b.instances[i];
      CHECK(p.id == q.id);
      CHECK(p.label == q.label);
      CHECK(p.box == q.box);
      CHECK(p.area == q.area);
      CHECK_FALSE(q.crowd);
      CHECK((p.mask.x0 == q.mask.x0 && p.mask.y0 == q.mask.y0 && p.mask.bits.pixels == q.mask.bits.pixels));
    }
  }
  CHECK(text_of(folder.path + "/instances_train.json") == coco_json(d, "train"));
  CHECK(CocoDataset(folder.path + "/instances_val.json", folder.path + "/images").size() == 1);
  CHECK_THROWS_WITH(write_coco(drawn_scenes(1), folder.path, "train"), Contains("/instances_train.json: exists already"));
  CHECK(text_of(folder.path + "/instances_train.json") == coco_json(d, "train"));
}

TEST_CASE("COCO export: ids, crowds and names as they come") {
  const Folder folder;
  OneImage d;
  d.list = {rectangle(8, 1, 1, 1, 3, 2), rectangle(8, 2, 0, 0, 6, 1)};  // the same id twice: both are numbered
  d.list[1].crowd = true;
  write_coco(d, folder.path, "a-1");
  const CocoDataset back(folder.path + "/instances_a-1.json", folder.path + "/images");
  CHECK(back.class_names() == d.names);
  CHECK(back.category_ids() == d.category_ids());
  const std::vector<Instance> list = back.instances(0);
  REQUIRE(list.size() == 2);
  CHECK(list[0].id == 1);
  CHECK(list[1].id == 2);
  CHECK(list[1].crowd);
  CHECK(list[1].label == 2);
  CHECK_THROWS_WITH(write_coco(d, folder.path, "../x"), Contains("coco: split must be of letters, digits, '-' and '_', got '../x'"));
  CHECK_THROWS_WITH(write_coco(d, "/dev/null/no", "x"), Contains("/dev/null/no/images: cannot be created: Not a directory"));
  d.list[0].label = 3;
  CHECK_THROWS_WITH(coco_json(d, "x"), Contains("coco: label of annotation 1 must be from 1 to 2, got 3"));
}

TEST_CASE("regions: boundaries painted over one another give the map back") {
  const std::vector<uint16_t> ring{1, 1, 1, 1, 1,  //
                                   1, 2, 2, 1, 1,  //
                                   1, 2, 3, 1, 1,  //
                                   1, 1, 1, 1, 2};
  const std::vector<Region> r = regions(ring, 4, 5);
  REQUIRE(r.size() == 4);
  CHECK(r[0].value == 1);
  CHECK(r[0].enclosed == 19);  // the hole counts, the corner does not
  CHECK((r[0].boundary == std::vector<std::pair<int, int>>{{0, 0}, {5, 0}, {5, 3}, {4, 3}, {4, 4}, {0, 4}}));
  CHECK(r[1].value == 2);
  CHECK(r[1].enclosed == 3);
  const std::vector<Region> diagonal = regions({1, 2, 2, 1}, 2, 2);  // pixels that meet at a corner alone are apart
  CHECK(diagonal.size() == 4);

  const SceneDataset d = drawn_scenes(3);
  for (int64_t k = 0; k < 3; ++k) {
    const std::vector<uint16_t> map = d.instance_ids(k);
    std::vector<uint16_t> painted(map.size());
    for (const Region& region : regions(map, 80, 144)) {
      // even–odd, row by row: the vertical edges left of a pixel's middle
      for (int y = 0; y < 80; ++y) {
        std::vector<int> edges;
        for (size_t i = 0; i < region.boundary.size(); ++i) {
          const auto [x0, y0] = region.boundary[i];
          const auto [x1, y1] = region.boundary[(i + 1) % region.boundary.size()];
          if (x0 == x1 && std::min(y0, y1) <= y && std::max(y0, y1) > y) edges.push_back(x0);
        }
        std::sort(edges.begin(), edges.end());
        for (size_t i = 0; i + 1 < edges.size(); i += 2)
          for (int x = edges[i]; x < edges[i + 1]; ++x) painted[static_cast<size_t>(y * 144 + x)] = region.value;
      }
    }
    CHECK(painted == map);
  }
}

TEST_CASE("Cityscapes export: files, ids and colours") {
  const Folder folder;
  const SceneDataset d = drawn_scenes(3);
  write_cityscapes(d, folder.path, "val", "testville");
  CHECK_THROWS_WITH(write_cityscapes(d, folder.path, "val", "testville"), Contains("/leftImg8bit/val/testville: exists already"));
  for (int64_t k = 0; k < 3; ++k) {
    const std::string stem = "/val/testville/testville_00000" + std::to_string(k) + "_000019_";
    const Sample s = d.sample(k);
    CHECK(read_image(folder.path + "/leftImg8bit" + stem + "leftImg8bit.png").rgb == s.image.rgb);
    const Bitmap16 ids = read_png16(folder.path + "/gtFine" + stem + "gtFine_instanceIds.png");
    const Bitmap16 labels = read_png16(folder.path + "/gtFine" + stem + "gtFine_labelIds.png");
    const Image colour = read_image(folder.path + "/gtFine" + stem + "gtFine_color.png");
    CHECK(ids.pixels == d.instance_ids(k));
    std::map<int, int> pixels;
    bool consistent = true;
    for (size_t p = 0; p < ids.pixels.size(); ++p) {
      const int id = ids.pixels[p];
      ++pixels[id];
      const CityscapesLabel& l = cityscapes_label(labels.pixels[p]);
      consistent = consistent && labels.pixels[p] == (id < 1000 ? id : id / 1000) && (id < 1000 || l.instances);
      consistent = consistent && colour.rgb[3 * p] == l.r && colour.rgb[3 * p + 1] == l.g && colour.rgb[3 * p + 2] == l.b;
    }
    CHECK(consistent);
    CHECK(pixels[7] > 100);  // there is a road
    for (const Instance& i : s.instances)
      CHECK(std::any_of(pixels.begin(), pixels.end(), [&](const auto& p) {
        return p.first / 1000 == d.category_ids()[static_cast<size_t>(i.label - 1)] && p.second == static_cast<int>(i.area);
      }));
    const std::string json = text_of(folder.path + "/gtFine" + stem + "gtFine_polygons.json");
    CHECK(json.find("\"imgHeight\": 80") != std::string::npos);
    CHECK(json.find("{\"label\": \"road\", \"polygon\": [[") != std::string::npos);
  }
}

TEST_CASE("Cityscapes export of another data set") {
  OneImage d;
  d.names[1] = "person";
  d.list = {rectangle(1, 1, 0, 0, 3, 2), rectangle(2, 2, 2, 1, 2, 2), rectangle(3, 1, 4, 0, 2, 1), rectangle(4, 2, 0, 3, 6, 1)};
  d.list[3].crowd = true;
  CHECK(cityscapes_instance_ids(d, 0) == std::vector<uint16_t>{26000, 26000, 26000, 0,     26001, 26001,  //
                                                               26000, 26000, 24000, 24000, 0,     0,      //
                                                               0,     0,     24000, 24000, 0,     0,      //
                                                               24,    24,    24,    24,    24,    24});
  const Folder folder;
  write_cityscapes(d, folder.path, "test");
  CHECK(text_of(folder.path + "/gtFine/test/drawn/drawn_000000_000019_gtFine_polygons.json").find("\"persongroup\"") != std::string::npos);
  d.names[1] = "sheep";
  CHECK_THROWS_WITH(cityscapes_instance_ids(d, 0), Contains("cityscapes: 'sheep' is no class with instances there"));
  d.names[1] = "road";
  CHECK_THROWS_WITH(cityscapes_instance_ids(d, 0), Contains("cityscapes: 'road' is no class with instances there"));
  CHECK_THROWS_WITH(write_cityscapes(d, folder.path, "test", "a/b"), Contains("cityscapes: city must be of letters"));
  CHECK_THROWS_WITH(cityscapes_label(34), Contains("cityscapes: label id must be from 0 to 33, got 34"));
}
