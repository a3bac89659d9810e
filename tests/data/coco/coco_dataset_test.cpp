#include "data/coco/coco_dataset.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "base/json_reader.h"
#include "data/eval/coco_eval.h"
#include "data/image/image.h"
#include "geometry/polygon.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

const std::string kImages =
    R"("images": [{"id": 9, "width": 6, "height": 4, "file_name": "b.png"}, {"id": 7, "width": 6, "height": 4, "file_name": "a.png"}])";
const std::string kCategories = R"("categories": [{"id": 90, "name": "cat"}, {"id": 3, "name": "car"}])";
const std::string kSquare = R"("segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]])";

std::string annotation(const std::string& members) {
  return "{" + kImages + ", " + kCategories + R"(, "annotations": [{)" + members + "}]}";
}

// One sound annotation with a member replaced.
std::string with(const std::string& member) {
  std::string all;
  const std::string members[] = {
      R"("id": 5)", R"("image_id": 7)", R"("category_id": 3)", R"("bbox": [1, 1, 2, 2])", R"("area": 4)", R"("iscrowd": 0)", kSquare};
  for (const std::string& m : members) {
    const bool replaced = m.substr(0, m.find(':')) == member.substr(0, member.find(':'));
    const std::string& one = replaced ? member : m;
    if (one.ends_with(":")) continue;  // without a value: left out
    all += (all.empty() ? "" : ", ") + one;
  }
  return annotation(all);
}

CocoFile parse(const std::string& text) { return parse_coco(text, "f.json"); }

}  // namespace

TEST_CASE("coco: images by id, labels by category id, masks of all three kinds", "[coco]") {
  const std::string text = "{\"info\": {}, " + kImages + ", " + kCategories + R"(, "annotations": [
    {"id": 5, "image_id": 9, "category_id": 90, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0, "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]},
    {"id": 4, "image_id": 9, "category_id": 3, "bbox": [0, 0, 6, 4], "area": 3.5, "iscrowd": 1, "segmentation": {"size": [4, 6], "counts": [0, 4, 20]}},
    {"id": 6, "image_id": 9, "category_id": 3, "bbox": [0.5, 0, 1, 1], "area": 1, "segmentation": {"counts": "02f0", "size": [4, 6]}}]})";
  const CocoDataset d(parse(text), "folder");
  CHECK(d.size() == 2);
  CHECK(d.class_names() == std::vector<std::string>{"car", "cat"});
  CHECK(d.category_ids() == std::vector<int64_t>{3, 90});
  CHECK(d.label_of(90) == 2);
  CHECK(d.label_of(1) == 0);
  CHECK(d.index_of(9) == 1);
  CHECK(d.info(0).image_id == 7);
  CHECK(d.info(1).file == "folder/b.png");
  CHECK(d.instances(0).empty());
  const std::vector<Instance> objects = d.instances(1);
  REQUIRE(objects.size() == 3);
  CHECK(objects[0].label == 2);
  CHECK(objects[0].box == Box{1, 1, 3, 3});
  CHECK(objects[0].mask.x0 == 1);
  CHECK(objects[0].mask.bits.pixels == std::vector<uint8_t>{1, 1, 1, 1});
  CHECK(objects[1].crowd);
  CHECK(objects[1].area == 3.5);
  CHECK(rle_area(rle_encode(objects[1].mask)) == 4);
  CHECK(rle_encode(objects[2].mask).counts == std::vector<uint32_t>{0, 2, 22});
  CHECK(CocoDataset(parse(text), "", {.keep_empty = false}).size() == 1);
  CHECK_THROWS_WITH(d.info(2), Contains("0 ... 1, got 2"));
}

TEST_CASE("coco: an image with crowds alone counts as empty", "[coco]") {
  CHECK(CocoDataset(parse(with(R"("iscrowd": 1)")), "", {.keep_empty = false}).size() == 0);
  CHECK(CocoDataset(parse(with(R"("iscrowd": 0)")), "", {.keep_empty = false}).size() == 1);
}

TEST_CASE("coco: each fault of an annotation is an error naming annotation, image and field", "[coco]") {
  const struct {
    const char *member, *message;
  } faults[] = {
      {R"("id": "5")",
       R"(f.json: annotations[0] (image 7): id: must be an integer of 64 bits, got "5", a text (a number stands without quotes))"},
      {R"("id": 9223372036854775808)", "id: must be an integer of 64 bits, got 9223372036854775808"},
      {R"("id": 5.5)", "id: must be an integer"},
      {R"("id":)", "id: is missing"},
      {R"("image_id": 8)", "f.json: annotation 5 (image 8): image_id: there is no image 8"},
      {R"("image_id": null)", "annotation 5: image_id: must be an integer of 64 bits, got null"},
      {R"("category_id": 4)", "annotation 5 (image 7): category_id: there is no category 4"},
      {R"("bbox": [1, 1, NaN, 2])", "annotation 5 (image 7): bbox: must be finite, got nan"},
      {R"("bbox": [1, 1, 1e999, 2])", "bbox: must be finite, got inf"},
      {R"("bbox": [1, 1, 3e12, 1])", "within +-1e9"},
      {R"("bbox": [1, 1, 3])", "bbox: must be [x, y, width, height], got 3 numbers"},
      {R"("bbox": ["1", 1, 3, 3])", "bbox: must be a number, got \"1\""},
      {R"("bbox": {})", "bbox: must be [x, y, width, height], got {}"},
      {R"("area": -1)", "area: must not be negative, got -1"},
      {R"("area": "4")", "area: must be a number"},
      {R"("area": Infinity)", "area: must be finite"},
      {R"("iscrowd": 2)", "iscrowd: must be 0 or 1, got 2"},
      {R"("segmentation": 5)", "segmentation: must be polygons or runs, got 5"},
      {R"("segmentation": [1, 1, 3, 1, 3, 3])",
       "segmentation: polygon 0 must be an array of coordinates, got 1: each part is a list of its own, [[x0, y0, x1, y1, …]]"},
      {R"("segmentation": [[1, 1], [3, 1], [3, 3]])",
       "holds 3 parts of two numbers each: a polygon's points stand in one list, [[x0, y0, x1, y1, …]]"},
      {R"("segmentation": [[[1, 1], [3, 1], [3, 3]]])", "polygon 0 must hold numbers, got [1, 1]: points stand one after the other"},
      {R"("segmentation": [[1, 1, 3, 1, 3, 3, 4]])", "pairs, got 7"},
      {R"("segmentation": [[1, 1, "3", 1, 3, 3]])", "polygon 0 must hold numbers, got \"3\""},
      {R"("segmentation": [[1, 1, 1e12, 1, 3, 3]])", "within +-1000000, got 1000000000000"},
      {R"("segmentation": [[1, 1, NaN, 1, 3, 3]])", "a coordinate must be finite"},
      {R"("segmentation": {"counts": "02f0"})", "must have a size of [height, width]"},
      {R"("segmentation": {"size": [4, 6, 1], "counts": "02f0"})", "must have a size of [height, width]"},
      {R"("segmentation": {"size": [4, 6]})", "must have counts"},
      {R"("segmentation": {"size": [4, 6], "counts": ""})", "segmentation: rle: counts must not be empty"},
      {R"("segmentation": {"size": [4, 6], "counts": "02Q"})", "ends inside a number"},
      {R"("segmentation": {"size": [0, 0], "counts": "0"})", "size must be at least 1x1"},
      {R"("segmentation": {"size": [4, 6], "counts": "00000000000000000000000000"})", "more runs than pixels"},
      {R"("segmentation": {"size": [4, 6], "counts": [4294967295, 25]})", "0 ... 24, got 4294967295"},
      {R"("segmentation": {"size": [4, 6], "counts": [4, 5.5]})", "segmentation.counts: must be an integer of 64 bits, got 5.5"},
      {R"("segmentation": {"size": [4, 6], "counts": []})", "counts must not be empty"},
      {R"("segmentation": {"size": [6, 4], "counts": [24]})", "segmentation.size: must be the image's, 4x6, got 6x4"},
      {R"("segmentation": {"size": ["4", 6], "counts": [24]})", "segmentation.size: must be an integer"},
  };
  CHECK(parse(with("")).annotations.size() == 1);
  for (const auto& [member, message] : faults) {
    INFO(member);
    CHECK_THROWS_WITH(parse(with(member)), Contains(message));
    // … and where faults are collected, the record is left out and reading goes on.
    std::vector<std::string> lines;
    const CocoFile f = parse_coco(with(member), "f.json", {}, [&](const CocoProblem& p) { lines.push_back(p.line()); });
    CHECK(lines.size() == 1);
    CHECK(f.annotations.empty());
  }
}

TEST_CASE("coco: faults of images, categories and the file as a whole", "[coco]") {
  const auto images = [](const std::string& list) { return "{\"images\": [" + list + "], " + kCategories + ", \"annotations\": []}"; };
  const auto image = [&](const std::string& name) { return images(R"({"id": 7, "width": 6, "height": 4, "file_name": ")" + name + "\"}"); };
  CHECK(parse(image("sub/a..b.png")).images.size() == 1);
  for (const char* bad : {"../a.png", "a/../../b.png", "..", "a\\\\..\\\\b.png"})
    CHECK_THROWS_WITH(parse(image(bad)), Contains("f.json: image 7: file_name: must not leave the image folder, got '"));
  for (const char* bad : {"/etc/passwd", "\\\\a", "C:a.png"})
    CHECK_THROWS_WITH(parse(image(bad)), Contains("relative to the image folder"));
  CHECK_THROWS_WITH(parse(image("")), Contains("file_name: must not be empty"));
  CHECK_THROWS_WITH(parse(image("a\\u0000.png")), Contains("0 byte"));
  CHECK_THROWS_WITH(parse(images(R"({"id": 7, "width": 0, "height": 4, "file_name": "a"})")),
                    Contains("width: must be in 1 ... 179000000, got 0"));
  CHECK_THROWS_WITH(parse(images(R"({"id": 7, "width": 60000, "height": 60000, "file_name": "a"})")), Contains("60000x60000"));
  CHECK_THROWS_WITH(parse(images(R"({"id": 7, "width": 6, "file_name": "a"})")), Contains("height: is missing"));
  CHECK_THROWS_WITH(parse(images(R"({"id": "7", "width": 6, "height": 6, "file_name": "a"})")),
                    Contains("images[0]: id: must be an integer"));
  CHECK_THROWS_WITH(parse(images("5")), Contains("images[0]: must be an object, got 5"));
  const std::string twice = R"({"id": 7, "width": 6, "height": 4, "file_name": "a"})";
  CHECK_THROWS_WITH(parse(images(twice + "," + twice)), Contains("image 7: id: stands twice"));
  CHECK_THROWS_WITH(parse("{" + kImages + R"(, "categories": [{"id": 1, "name": ""}], "annotations": []})"),
                    Contains("category 1: name: must not be empty"));
  CHECK_THROWS_WITH(parse("{" + kImages + R"(, "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}], "annotations": []})"),
                    Contains("category 1: id: stands twice"));
  CHECK_THROWS_WITH(parse("{" + kCategories + ", \"annotations\": []}"), Contains("f.json: images: the file has none"));
  CHECK_THROWS_WITH(parse("{" + kImages + ", \"annotations\": []}"), Contains("f.json: categories: the file has none"));
  CHECK_THROWS_WITH(parse("{" + kImages + ", " + kCategories + ", \"annotations\": {}}"), Contains("must be an array, got {}"));
  CHECK_THROWS_WITH(parse("[]"), Contains("a results file?"));
  CHECK_THROWS_WITH(parse("{" + kImages + ", " + kImages + "}"), Contains("the key \"images\" stands twice"));
  CHECK_THROWS_WITH(parse(annotation(R"("id": 5, "id": 6)")), Contains("the key \"id\" stands twice"));
  CHECK_THROWS_WITH(CocoDataset(parse("{" + kImages + ", \"categories\": [], \"annotations\": []}"), ""), Contains("there are none"));
}

TEST_CASE("coco: what a record leaves out and can be computed is computed", "[coco]") {
  const auto record = [](const std::string& box, const std::string& segmentation, bool masks = true) {
    return parse_coco(annotation(R"("id": 5, "image_id": 7, "category_id": 3, )" + box + segmentation), "f.json", {.masks = masks})
        .annotations.at(0);
  };
  const std::string corner = R"("segmentation": [[1.5, 1, 3, 1, 3, 3]])",
                    runs = R"("segmentation": {"size": [4, 6], "counts": [5, 2, 2, 2, 13]})";
  for (const std::string none : {"", R"("bbox": null, )", R"("bbox": [], "area": null, "iscrowd": null, )"}) {
    INFO(none);
    for (const bool masks : {true, false}) {
      const CocoAnnotation polygon = record(none, corner, masks), mask = record(none, runs, masks);
      CHECK(std::vector{polygon.x, polygon.y, polygon.w, polygon.h} == std::vector{1.5, 1.0, 1.5, 2.0});
      CHECK(std::vector{mask.x, mask.y, mask.w, mask.h} == std::vector{1.0, 1.0, 2.0, 2.0});
      CHECK(mask.area == 4);
      CHECK(polygon.area == (masks ? static_cast<double>(rle_area(rasterise(std::vector{1.5, 1.0, 3.0, 1.0, 3.0, 3.0}, 4, 6))) : 3.0));
      CHECK_FALSE(polygon.crowd);
    }
  }
  CHECK(record(R"("bbox": [1, 1, 2, 2], "area": 7, )", corner).area == 7);  // what is stated stands
  CHECK(record(R"("bbox": [1, 1, -2, 2], )", R"("segmentation": [])", false).area == 0);
  for (const std::string nothing : {R"("area": 4)", R"("segmentation": null)", R"("segmentation": [[1, 1, 2, 2]])",
                                    R"("segmentation": {"size": [4, 6], "counts": [24]})"})
    for (const bool masks : {true, false})
      CHECK_THROWS_WITH(record("", nothing, masks), Contains("annotation 5 (image 7): bbox: is missing"));
}

TEST_CASE("coco: a section that is missing or no list is one fault, and what names its records is none", "[coco]") {
  const std::string two = R"("annotations": [{"id": 5, "image_id": 7, "category_id": 3, "bbox": [1, 1, 2, 2]},
                                             {"id": 6, "image_id": 7, "category_id": 4, "bbox": [1, 1, 2, 2]}])";
  const auto faults = [](const std::string& text) {
    std::vector<std::string> lines;
    parse_coco(text, "f.json", {.masks = false}, [&](const CocoProblem& p) { lines.push_back(p.line()); });
    return lines;
  };
  using Lines = std::vector<std::string>;
  CHECK(faults("{" + kImages + R"(, "categories": null, )" + two + "}") == Lines{"categories: must be an array, got null"});
  CHECK(faults("{" + kImages + ", " + two + "}") == Lines{"categories: the file has none"});
  CHECK(faults("{" + kCategories + R"(, "images": {}, )" + two + "}") == Lines{"images: must be an array, got {}"});
  CHECK_THROWS_WITH(parse_coco("{" + kImages + R"(, "categories": null, )" + two + "}", "f.json", {.masks = false}),
                    !Contains("more such"));
}

TEST_CASE("coco: for evaluation, records need no more than cocoapi asks of them", "[coco]") {
  const auto read = [](const std::string& image, bool masks, const std::string& category = R"("name": "car")") {
    return parse_coco(R"({"images": [{"id": 7, )" + image + R"(}], "categories": [{"id": 3, )" + category +
                          R"(}], "annotations": [{"id": 5, "image_id": 7, "category_id": 3, "bbox": [1, 1, 2, 2], "area": 4, )" + kSquare +
                          "}]}",
                      "f.json", {.masks = masks, .pictures = false});
  };
  const std::string size = R"("width": 6, "height": 4)";
  for (const std::string name : {"", R"(, "file_name": "/data/a.png")", R"(, "file_name": "../a.png")",
                                 R"(, "file_name": "https://host/a.png")", R"(, "file_name": null, "coco_url": "http://host/a.jpg")"})
    for (const bool masks : {true, false}) CHECK(read(size + name, masks).annotations.size() == 1);
  for (const std::string none : {R"("flickr_url": "")", R"("width": null, "height": "4")"})
    CHECK(read(none, false).annotations.size() == 1);
  CHECK_THROWS_WITH(read(R"("flickr_url": "")", true), Contains("annotation 5 (image 7): image_id: image 7 has no width and height"));
  CHECK_THROWS_WITH(read(R"("width": 6)", true), Contains("image 7 has no width and height"));
  CHECK(read(size, true, R"("name": 12)").categories[0].name == "12");
  CHECK(read(size, true, R"("supercategory": "x")").categories[0].name == "3");
  CHECK_THROWS_WITH(parse_coco(with(R"("image_id": 8)"), "f.json", {.pictures = false}), Contains("there is no image 8"));
}

TEST_CASE("coco: a file cut anywhere is an error", "[coco]") {
  const std::string whole = with("");
  for (size_t n = 0; n < whole.size(); ++n) {
    bool thrown = false;
    try {
      parse(whole.substr(0, n));
    } catch (const Error&) {
      thrown = true;
    }
    INFO(n);
    REQUIRE(thrown);
  }
}

TEST_CASE("coco: objects that training can do without are left out, counted and told, or stop it", "[coco]") {
  const struct {
    const char *member, *message;
    bool object;  // the whole of it is left out
  } faults[] = {
      {R"("bbox": [1, 1, -3, 2])", "annotation 5 (image 7): bbox: width must be above 0, got -3", true},
      {R"("bbox": [1, 1, 3, 0])", "annotation 5 (image 7): bbox: height must be above 0, got 0", true},
      {R"("bbox": [600, 1, 1e-5, 1])", "annotation 5 (image 7): bbox: width must be above 0, got 1e-05", true},
      {R"("bbox": [6, 1, 2, 2])", "annotation 5 (image 7): bbox: lies outside its image of 4x6: [6, 1, 2, 2]", true},
      {R"("bbox": [1, -3, 2, 3])", "annotation 5 (image 7): bbox: lies outside its image of 4x6: [1, -3, 2, 3]", true},
      {R"("segmentation": [[1, 1, 3, 1]])", "annotation 5 (image 7): segmentation: polygon 0 must have at least three points, got 4", true},
      {R"("segmentation": [[8, 1, 9, 1, 9, 2]])", "annotation 5 (image 7): segmentation: has no pixel within its image", true},
      {R"("segmentation": [[1, 1, 1.1, 1, 1.1, 1.1]])", "annotation 5 (image 7): segmentation: has no pixel within its image", true},
      {R"("segmentation": {"size": [4, 6], "counts": [24]})", "annotation 5 (image 7): segmentation: has no pixel within its image", true},
      {R"("segmentation": [[1, 1, 3, 1, 3, 3, 1, 3], [1, 1, 3, 1], [2]])",
       "annotation 5 (image 7): segmentation: polygon 1 must have at least three points, got 4", false},
  };
  const std::string path = test::own_path("coco_dataset_test.json");
  for (const auto& [member, message, object] : faults) {
    INFO(member);
    std::ofstream(path) << with(member);
    const CocoDataset d(path, "");
    CHECK(d.left_out().objects == (object ? 1 : 0));
    CHECK(d.left_out().masks == (object ? 0 : 1));
    REQUIRE(d.left_out().first.size() == 1);
    CHECK(d.left_out().first[0].find(message) == 0);
    CHECK(d.instances(0).size() == (object ? 0 : 1));
    CHECK(CocoDataset(path, "", {.keep_empty = false}).size() == (object ? 0 : 1));
    CHECK(d.truth(0, true).size() == 1);  // evaluation counts it all the same
    REQUIRE(d.notes().size() == 1);
    CHECK(d.notes()[0].find(
              path + (object ? ": 1 of 1 annotations are faulty; " : ": 0 of 1 annotations, and parts of 1 masks, are faulty; ")) == 0);
    CHECK(d.notes()[0].find(message) != std::string::npos);
    CHECK_THROWS_WITH(CocoDataset(path, "", {.faulty = FaultyObjects::stop}),
                      Contains(path + ": " + message) && Contains("data.faulty = \"drop\""));
  }
  CHECK(CocoDataset(parse(with("")), "").notes().empty());
}

TEST_CASE("coco: what is left out are the first three records of all, whatever is wrong with each", "[coco]") {
  std::string records;
  for (int id = 1; id <= 9; ++id)
    records += str(id > 1 ? ", " : "", R"({"id": )", id, R"(, "image_id": 7, "category_id": 3, "bbox": [1, 1, )", id < 7 ? 0 : 2,
                   R"(, 0], "area": 4, )", id % 2 == 1 ? R"("segmentation": null)" : kSquare, "}");
  const std::string path = test::own_path("coco_dataset_test_many.json");
  std::ofstream(path) << "{" + kImages + ", " + kCategories + ", \"annotations\": [" + records + "]}";
  const CocoDataset d(path, "");
  CHECK(d.left_out().objects == 9);
  REQUIRE(d.left_out().first.size() == 3);
  CHECK(d.left_out().first[2] == "annotation 3 (image 7): bbox: width must be above 0, got 0");
}

TEST_CASE("coco: boxes and masks are clipped to the image for training, and stand as they are for evaluation", "[coco]") {
  const std::string far = R"("bbox": [-2, 2, 5, 40], "area": 200, "segmentation": [[-2, 2, 3, 2, 3, 42, -2, 42]])";
  const CocoDataset d(parse(annotation(R"("id": 5, "image_id": 7, "category_id": 3, "iscrowd": 0, )" + far)), "");
  const std::vector<Instance> objects = d.instances(0);
  REQUIRE(objects.size() == 1);
  CHECK(objects[0].box == Box{0, 2, 3, 4});
  CHECK(rle_area(rle_encode(objects[0].mask)) == 6);
  const std::vector<CocoObject> truth = d.truth(0, true);
  REQUIRE(truth.size() == 1);
  CHECK(truth[0].box.x == -2);
  CHECK(truth[0].box.h == 40);
  CHECK(truth[0].area == 200);
  CHECK(rle_area(truth[0].mask) == 6);
}

TEST_CASE("coco: a file of boxes only says the setting that goes on", "[coco]") {
  for (const char* none : {R"("segmentation":)", R"("segmentation": [])", R"("segmentation": null)", R"("segmentation": {})"}) {
    INFO(none);
    CHECK_THROWS_WITH(parse(with(none)), Contains("f.json: annotations: hold boxes only: none of the 1 has a segmentation") &&
                                             Contains("model.mask.kind = \"none\""));
    CHECK(parse_coco(with(none), "f.json", {.masks = false}).annotations.size() == 1);
  }
}

TEST_CASE("coco: whole numbers may be written with a point", "[coco]") {
  const CocoFile f = parse(with(R"("image_id": 7.0)"));
  CHECK(f.annotations[0].image_id == 7);
  CHECK_THROWS_WITH(parse(with(R"("image_id": 7.5)")), Contains("must be an integer of 64 bits, got 7.5"));
  CHECK_THROWS_WITH(parse(with(R"("image_id": 1e300)")), Contains("must be an integer of 64 bits, got 1e300"));
}

TEST_CASE("coco: boxes alone, without segmentations", "[coco]") {
  const CocoFile f = parse_coco(with(R"("segmentation":)"), "f", {.masks = false});
  CHECK(f.annotations.size() == 1);
  const CocoDataset d(f, "", {.masks = false});
  CHECK(d.instances(0)[0].mask.bits.pixels.empty());
  CHECK(d.instances(0)[0].mask.image_width == 6);
}

TEST_CASE("coco: samples read their image, whose size must be the file's", "[coco]") {
  const std::string folder = test::own_path("coco_dataset_test_images");
  std::filesystem::create_directories(folder);
  write_png(folder + "/a.png", Image(4, 6));
  write_png(folder + "/b.png", Image(6, 4));
  const CocoDataset d(parse(with("")), folder);
  const Sample s = d.sample(0);
  CHECK(s.image.width == 6);
  CHECK(s.instances.size() == 1);
  CHECK_THROWS_WITH(
      d.sample(1),
      Contains(folder + "/b.png': height and width are 6x4, the annotations state 4x6: the annotations have height and width exchanged"));
}

TEST_CASE("coco: 100 images of COCO", "[coco]") {
  const std::string root = MR_SOURCE_DIR "/../shared/data/coco100";
  if (!std::filesystem::exists(root)) return skip("no ../shared/data/coco100");
  const CocoDataset d(root + "/instances_train2017.json", root + "/images");
  CHECK(d.size() == 100);
  CHECK(d.class_names().size() == 80);
  CHECK(d.category_ids().back() == 90);
  int64_t objects = 0, agree = 0;
  for (int64_t i = 0; i < d.size(); ++i)
    for (const Instance& o : d.instances(i)) {
      const Box m = rle_box(rle_encode(o.mask));
      ++objects;
      agree += std::abs(m.x1 - o.box.x1) <= 2 && std::abs(m.y1 - o.box.y1) <= 2 && std::abs(m.x2 - o.box.x2) <= 2 &&
               std::abs(m.y2 - o.box.y2) <= 2;
    }
  CHECK(objects == 746);
  CHECK(agree > 730);
  CHECK(d.sample(0).image.width == d.info(0).width);
}
