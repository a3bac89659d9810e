#include "data/cityscapes/dataset.h"

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/check.h"
#include "base/files.h"
#include "data/cityscapes/instance_map.h"
#include "data/cityscapes/labels.h"
#include "data/cityscapes/lint.h"
#include "data/cityscapes/published.h"
#include "data/coco/coco_dataset.h"
#include "data/convert/convert.h"
#include "data/dataset_tools/stats.h"
#include "data/eval/coco_eval.h"
#include "data/image/image.h"
#include "tests/catch.h"
#include "tests/data/cityscapes/drawn_city.h"

using namespace mr;
using Catch::Matchers::Contains;
using mr::test::DrawnCity;
namespace fs = std::filesystem;

namespace {

// The pixels of each object's or group's number.
std::map<uint16_t, std::set<size_t>> pixels_of(const std::vector<uint16_t>& ids) {
  std::map<uint16_t, std::set<size_t>> out;
  for (size_t p = 0; p < ids.size(); ++p)
    if (cityscapes_class(cityscapes_label_of(ids[p])) >= 0) out[ids[p]].insert(p);
  return out;
}

std::map<uint16_t, std::set<size_t>> pixels_of(const std::vector<Instance>& instances) {
  std::map<uint16_t, std::set<size_t>> out;
  for (const Instance& i : instances)
    for (int y = 0; y < i.mask.bits.height; ++y)
      for (int x = 0; x < i.mask.bits.width; ++x)
        if (i.mask.bits.at(y, x) != 0)
          out[static_cast<uint16_t>(i.id % 100000)].insert(static_cast<size_t>((y + i.mask.y0) * i.mask.image_width + x + i.mask.x0));
  return out;
}

// A map of one car of 5×4 pixels, one of 2×1, a group of persons in two parts, a caravan.
Bitmap16 small_map() {
  Bitmap16 map(80, 144);
  const auto paint = [&map](uint16_t id, int x0, int y0, int x1, int y1) {
    for (int y = y0; y < y1; ++y)
      for (int x = x0; x < x1; ++x) map.at(y, x) = id;
  };
  paint(26000, 10, 20, 15, 24), paint(26001, 100, 79, 102, 80);
  paint(24, 0, 0, 2, 2), paint(24, 140, 70, 144, 71), paint(29000, 50, 50, 60, 60);
  return map;
}

template <class Function> std::string refused(const Function& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing";
}

std::string opening(const std::string& root, CityscapesOptions options = {}) {
  return refused([&] { CityscapesDataset(root, options); });
}

}  // namespace

TEST_CASE("cityscapes data: the instances of drawn folders, pixel for pixel", "[cityscapes]") {
  const DrawnCity city(3);
  const CityscapesDataset d(city.root, {});
  REQUIRE(d.size() == 6);
  CHECK(d.class_names() == std::vector<std::string>{"person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"});
  CHECK(d.category_ids() == std::vector<int64_t>{24, 25, 26, 27, 28, 31, 32, 33});
  std::set<int64_t> ids;
  size_t objects = 0;
  for (int64_t i = 0; i < d.size(); ++i) {
    const SceneDataset scenes = test::drawn_scenes(1, 7 + i);
    const Sample s = d.sample(i);
    CHECK(s.info.image_id == i + 1);
    CHECK((s.info.height == 80 && s.info.width == 144));
    CHECK(s.info.file == city.image(str(i < 3 ? "aachen_" : "bochum_", "00000", i % 3, "_000019")));
    CHECK(s.image.rgb == scenes.sample(0).image.rgb);
    CHECK(pixels_of(s.instances) == pixels_of(scenes.instance_ids(0)));
    for (const Instance& o : s.instances) {
      CHECK(ids.insert(o.id).second);
      CHECK(d.category_ids()[static_cast<size_t>(o.label) - 1] == cityscapes_label_of(static_cast<uint16_t>(o.id % 100000)));
      CHECK(o.crowd == (o.id % 100000 < 1000));
      CHECK(o.area == static_cast<double>(pixels_of(std::vector{o}).begin()->second.size()));
      CHECK(o.box == rle_box(rle_encode(o.mask)));
    }
    objects += s.instances.size();
    CHECK(d.truth(i, true).size() == s.instances.size());
  }
  CHECK(objects > 10);
}

TEST_CASE("cityscapes data: groups are crowds, small objects can be left out, caravans are background", "[cityscapes]") {
  const DrawnCity city(1);
  write_png(city.truth("aachen_000000_000019"), small_map());
  CityscapesOptions options;
  const auto seen = [&] {
    std::map<int64_t, std::pair<int, double>> out;  // label, area; crowds: −area
    for (const Instance& i : CityscapesDataset(city.root, options).instances(0)) out[i.id] = {i.label, i.crowd ? -i.area : i.area};
    return out;
  };
  using Seen = std::map<int64_t, std::pair<int, double>>;
  CHECK(seen() == Seen{{100024, {1, -8}}, {126000, {3, 20}}, {126001, {3, 2}}});
  options.min_pixels = 3;
  CHECK(seen() == Seen{{100024, {1, -8}}, {126000, {3, 20}}});
  const CityscapesDataset d(city.root, options);
  const std::vector<CocoObject> truth = d.truth(0, true);
  REQUIRE(truth.size() == 3);  // evaluation counts all
  CHECK(truth[0].crowd);
  CHECK(rle_area(truth[0].mask) == 8);
  CHECK((truth[2].box.x == 100 && truth[2].box.y == 79 && truth[2].box.w == 2 && truth[2].box.h == 1));
  options.min_pixels = 21, options.keep_empty = false;
  const CityscapesDataset rest(city.root, options);
  CHECK(rest.size() == 1);  // the other image
  CHECK(rest.frame(0).name == "bochum_000000_000019");
}

TEST_CASE("cityscapes data: polygons instead of maps, coarse annotations, several splits", "[cityscapes]") {
  const DrawnCity city(2);
  CityscapesOptions options;
  options.source = CityscapesSource::polygons;
  const CityscapesDataset d(city.root, options);
  REQUIRE(d.size() == 4);
  for (int64_t i = 0; i < d.size(); ++i)
    CHECK(pixels_of(d.sample(i).instances) == pixels_of(read_instance_map(city.truth(d.frame(i).name, "_gtFine_polygons.json")).pixels));

  options = {};
  options.splits = {"val", "train"};
  city.add("val", 1);
  const CityscapesDataset both(city.root, options);
  REQUIRE(both.size() == 6);
  CHECK_THAT(both.info(0).file, Contains("/leftImg8bit/val/aachen/"));
  CHECK_THAT(both.info(5).file, Contains("/leftImg8bit/train/bochum/"));
  CHECK(both.notes() == std::vector<std::string>{"Cityscapes' split val is not complete: 2 of its 500 images are there",
                                                 "Cityscapes' split train is not complete: 4 of its 2975 images are there"});

  const std::string coarse = city.root + "/gtCoarse/train/aachen/";
  fs::create_directories(coarse);
  write_png(coarse + "aachen_000000_000019_gtCoarse_instanceIds.png", small_map());
  options = {}, options.coarse = true;
  CHECK_THAT(opening(city.root, options), Contains("3 files have no counterpart"));
  fs::remove_all(city.root + "/leftImg8bit/train/bochum"), fs::remove(city.image("aachen_000001_000019"));
  CHECK(CityscapesDataset(city.root, options).instances(0).size() == 3);

  // train_extra, whose images may lie in a folder of their own.
  fs::create_directories(city.root + "/gtCoarse/train_extra/aachen");
  fs::copy(coarse + "aachen_000000_000019_gtCoarse_instanceIds.png",
           city.root + "/gtCoarse/train_extra/aachen/aachen_000000_000019_gtCoarse_instanceIds.png");
  options = {}, options.splits = {"train_extra"};
  CHECK_THAT(opening(city.root, options), Contains("/leftImg8bit/train_extra: there is no such folder; expected"));
  for (const std::string place :
       {"leftImg8bit/train_extra", "leftImg8bit_trainextra/train_extra", "leftImg8bit_trainextra/leftImg8bit/train_extra"}) {
    const std::string to = city.root + "/" + place + "/aachen";
    fs::create_directories(to);
    fs::copy(city.image("aachen_000000_000019"), to + "/aachen_000000_000019_leftImg8bit.png");
    CHECK(CityscapesDataset(city.root, options).sample(0).instances.size() == 3);
    fs::remove_all(city.root + "/" + place);
  }
}

TEST_CASE("cityscapes data: a layout that is nearly right is told what was expected where", "[cityscapes]") {
  const DrawnCity city(1);
  const std::string root = city.root;
  CHECK_THAT(opening(root + "/none"),
             Contains(root + "/none: there is no such folder; expected Cityscapes unpacked, with leftImg8bit and gtFine in it"));
  CHECK_THAT(opening(city.image("aachen_000000_000019")), Contains("is a file; expected the folder of Cityscapes"));
  for (const std::string inside : {"/gtFine", "/leftImg8bit", "/leftImg8bit/train", "/gtFine/train/aachen/"})
    CHECK_THAT(opening(root + inside),
               Contains("leftImg8bit/train: there is no such folder") && Contains("lies within the download: the root is " + root));
  CHECK_THAT(opening(city.folder / "."), Contains("cityscapes/leftImg8bit/train: the root is "));
  CityscapesOptions val;
  val.splits = {"val"};
  CHECK_THAT(opening(root, val), Contains(root + "/leftImg8bit/val: there is no such folder; expected " + root +
                                          "/leftImg8bit/val/CITY/CITY_000000_000019_leftImg8bit.png"));
  val.splits = {"train", "train"};
  CHECK_THAT(opening(root, val), Contains("the split train is named twice"));
  val.splits = {};
  CHECK_THAT(opening(root, val), Contains("expected a split to read"));

  const auto moved = [&](const std::string& from, const std::string& to, const std::string& what) {
    fs::create_directories(fs::path(root + to).parent_path());
    fs::rename(root + from, root + to);
    INFO(from << " as " << to);
    CHECK_THAT(opening(root), Contains(what));
    fs::rename(root + to, root + from);
    for (fs::path empty = fs::path(root + to).parent_path(); empty != root && fs::is_empty(empty); empty = empty.parent_path())
      fs::remove(empty);
  };
  moved("/gtFine", "/gtfine",
        root + "/gtFine/train: there is no such folder; expected " + root +
            "/gtFine/train/CITY/CITY_000000_000019_gtFine_instanceIds.png; there is " + root + "/gtfine: rename it to gtFine");
  moved("/gtFine", "/gtFine_trainvaltest/gtFine", "move " + root + "/gtFine_trainvaltest/gtFine to " + root + "/gtFine");
  moved("/gtFine/train", "/gtFine/gtFine/train", "move " + root + "/gtFine/gtFine to " + root + "/gtFine");
  moved("/leftImg8bit/train/aachen", "/leftImg8bit/aachen", "no counterpart");
  fs::rename(root + "/gtFine", city.folder / "kept");
  CHECK_THAT(opening(root), Contains(root + "/gtFine/train: there is no such folder"));
  city.folder.write("cityscapes/gtFine_trainvaltest.zip", "PK");
  CHECK_THAT(opening(root), Contains("there is " + root + "/gtFine_trainvaltest.zip: unpack it there"));
  fs::create_directories(root + "/gtFine");
  fs::copy(city.folder / "kept/train/aachen", root + "/gtFine/aachen", fs::copy_options::recursive);
  CHECK_THAT(opening(root), Contains(root + "/gtFine/aachen is a city: the splits (train, val, ...) are expected between gtFine and it"));
  fs::create_directories(root + "/leftImg8bit/val"), fs::create_directories(root + "/gtFine/val");
  val.splits = {"val"};
  CHECK_THAT(opening(root, val), Contains("/leftImg8bit/val: holds no image; expected"));
}

TEST_CASE("cityscapes data: a city that is half unpacked, and pictures that are none", "[cityscapes]") {
  const DrawnCity city(2);
  fs::remove(city.truth("aachen_000001_000019"));
  CHECK_THAT(opening(city.root), Contains("split train: 1 file has no counterpart: there is " + city.image("aachen_000001_000019") +
                                          ", but not " + city.truth("aachen_000001_000019")));
  fs::remove_all(city.root + "/gtFine/train/bochum");
  CHECK_THAT(opening(city.root), Contains("split train: 3 files have no counterpart"));
  fs::remove_all(city.root + "/leftImg8bit/train/bochum"), fs::remove(city.image("aachen_000000_000019"));
  CHECK_THAT(opening(city.root), Contains("2 files have no counterpart"));

  const DrawnCity other(1);
  const std::string image = other.image("aachen_000000_000019"), truth = other.truth("aachen_000000_000019");
  const CityscapesDataset d(other.root, {});
  const auto fault = [&](const std::string& file) {
    try {
      CityscapesDataset(other.root, {}).sample(0);
    } catch (const ImageError& e) {
      CHECK(e.file == file);
      return e.fault;
    }
    return ImageFault::cannot_open;
  };
  write_png(image, Image(80, 143));
  CHECK(fault(image) == ImageFault::other_size);
  const std::string bytes = read_text_file(truth);
  write_text_file(image, bytes.substr(0, 200));
  CHECK(fault(image) == ImageFault::corrupt);
  write_png(image, Image(80, 144));
  write_text_file(truth, bytes.substr(0, bytes.size() / 2));
  CHECK(fault(truth) == ImageFault::corrupt);
  write_png(truth, Bitmap(80, 144));
  CHECK(fault(truth) == ImageFault::unsupported);
}

TEST_CASE("cityscapes data: lint lists all that is wrong", "[cityscapes]") {
  const DrawnCity city(3);
  const CityscapesOptions options;
  LintReport report = lint_cityscapes(city.root, options, true);
  CHECK(report.errors() == 0);
  CHECK(report.images == 6);
  CHECK(report.objects > 10);
  CHECK_THAT(to_text(report), Contains(city.root + ": warning: Cityscapes' split train is not complete: 6 of its 2975 images are there"));

  write_png(city.image("aachen_000000_000019"), Image(80, 143));
  const std::string bytes = read_text_file(city.image("aachen_000001_000019"));
  write_text_file(city.image("aachen_000001_000019"), bytes.substr(0, bytes.size() - 20));  // only decoding tells
  write_png(city.truth("aachen_000002_000019"), Bitmap(80, 144));
  fs::remove(city.truth("bochum_000000_000019")), fs::remove(city.image("bochum_000001_000019"));
  report = lint_cityscapes(city.root, options);
  CHECK(report.errors() == 4);
  const std::string text = to_text(report);
  CHECK_THAT(text, Contains("error: split train: there is " + city.image("bochum_000000_000019") + ", but not " +
                            city.truth("bochum_000000_000019")));
  CHECK_THAT(text, Contains("there is " + city.truth("bochum_000001_000019") + ", but not " + city.image("bochum_000001_000019")));
  CHECK_THAT(text, Contains("image 1 (aachen_000000_000019): image: image '" + city.image("aachen_000000_000019")));
  CHECK_THAT(text, Contains("image 3 (aachen_000002_000019): truth: image '" + city.truth("aachen_000002_000019")));
  CHECK(lint_cityscapes(city.root, options, true).errors() == 5);
  CHECK(lint_cityscapes(city.root + "x", options).errors() == 1);
}

TEST_CASE("cityscapes data: statistics stand beside the published ones", "[cityscapes]") {
  const DrawnCity city(2);
  const CityscapesDataset d(city.root, {});
  DatasetStats stats = dataset_stats(d);
  add_published(d, stats);
  CHECK(stats.classes[2].published == 26900);
  const std::string text = to_text(stats);
  CHECK_THAT(text, Contains("published") && Contains("    26.9k\n") && Contains("     0.2k\n"));
  CHECK_THAT(text, Contains("Cityscapes' split train is not complete: 4 of its 2975 images are there"));
  const auto json = nlohmann::json::parse(to_json(stats));
  CHECK(json["classes"][0]["published"] == 17900);
  CHECK(json["notes"].size() == 1);
  city.add("val", 1);
  CityscapesOptions options;
  options.splits = {"val"};
  const CityscapesDataset val(city.root, options);
  stats = dataset_stats(val);
  add_published(val, stats);
  CHECK(stats.classes[0].published == 0);
  CHECK_THAT(to_text(stats), !Contains("published"));
}

TEST_CASE("cityscapes data: converted to COCO files, the same pixels", "[cityscapes]") {
  const DrawnCity city(2);
  write_png(city.truth("aachen_000000_000019"), small_map());
  city.add("val", 1);
  ConvertOptions options;
  options.kind = "cityscapes", options.in = {city.root}, options.out = city.folder / "city.json";
  const ConvertReport report = convert_annotations(options);
  CHECK(report.images == 6);
  REQUIRE(report.files.size() == 2);
  CHECK(report.files[0].path == city.folder / "city_train.json");
  const CocoDataset coco(report.files[0].path, report.image_folder);
  const CityscapesDataset d(city.root, {});
  REQUIRE(coco.size() == d.size());
  for (int64_t i = 0; i < d.size(); ++i) {
    CHECK(fs::equivalent(coco.info(i).file, d.info(i).file));
    const std::vector<Instance> ours = coco.instances(i), theirs = d.instances(i);
    REQUIRE(ours.size() == theirs.size());
    for (size_t k = 0; k < ours.size(); ++k) {
      CHECK(coco.class_names()[static_cast<size_t>(ours[k].label) - 1] == d.class_names()[static_cast<size_t>(theirs[k].label) - 1]);
      CHECK(rle_encode(ours[k].mask) == rle_encode(theirs[k].mask));
      CHECK((ours[k].crowd == theirs[k].crowd && ours[k].area == theirs[k].area));
    }
  }
  options.in = {city.root + "/gtFine"}, options.out = city.folder / "other.json";
  CHECK_THAT(refused([&] { convert_annotations(options); }), Contains("the root is " + city.root));
}
