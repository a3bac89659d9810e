#include "tests/data/convert/convert_files.h"

#include "data/convert/readers.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

std::string file(const std::string& shapes, const std::string& picture = "a.png",
                 const std::string& size = R"("imageHeight": 40, "imageWidth": 60)") {
  return R"({"version": "5.4.1", "flags": {"x": true}, "shapes": [)" + shapes + R"(], "imagePath": ")" + picture +
         R"(", "imageData": null, )" + size + "}";
}
std::string shape(const std::string& label, const std::string& points, const std::string& more) {
  return R"({"label": ")" + label + R"(", "points": )" + points + R"(, "flags": {}, "description": "", )" + more + "}";
}

}  // namespace

TEST_CASE("labelme: polygons, rectangles, circles and lines are drawn where they were", "[convert]") {
  const Folder f;
  picture(f, "set/a.png", 40, 60);
  f.file("set/a.json",
         file(shape("cat", "[[5.25, 4.5], [30.75, 8.125], [20, 35.5], [6, 30]]", R"("shape_type": "polygon", "group_id": null)") + ", " +
              shape("dog", "[[50, 30], [35.5, 12]]", R"("shape_type": "rectangle")") + ", " +
              shape("dog", "[[30, 20], [38, 26]]", R"("shape_type": "circle")") + ", " +
              shape("cat", "[[1, 1], [10, 1], [10, 10], [1, 12]]", R"("shape_type": "linestrip")") + ", " +
              shape("cat", "[[41, 2], [55, 2], [50, 9]]", R"("shape_type": null)")));
  const Converted c = converted("labelme", {f / "set"}, f);
  REQUIRE(c.file.annotations.size() == 5);
  CHECK(c.name(0) == "cat");
  CHECK(c.name(1) == "dog");
  CHECK(c.file.polygons(c.annotation(0)) == std::vector<std::vector<double>>{{5.25, 4.5, 30.75, 8.125, 20, 35.5, 6, 30}});
  CHECK(c.annotation(0).x == 5.25);
  CHECK(c.annotation(0).y == 4.5);
  CHECK(c.annotation(0).w == 25.5);
  CHECK(c.annotation(0).h == 31);
  CHECK(follows(c.mask(0), to_polygon({5.25, 4.5, 30.75, 8.125, 20, 35.5, 6, 30})));
  CHECK(follows(c.mask(1), to_polygon({35.5, 12, 50, 12, 50, 30, 35.5, 30})));
  CHECK(follows(c.mask(2), to_circle(30, 20, 10)));
  CHECK(follows(c.mask(3), to_polygon({1, 1, 10, 1, 10, 10, 1, 12})));
  CHECK(c.annotation(0).area == static_cast<double>(rle_area(c.mask(0))));
  CHECK(c.report.image_folder == std::filesystem::canonical(f / "set").string());
  CHECK(c.file.images[0].file == "a.png");
  CHECK(c.report.classes.size() == 2);
  CHECK(c.report.classes[0].id == 1);
  CHECK(c.report.classes[0].name == "cat");
  CHECK(c.report.classes[0].objects == 3);
  CHECK_THAT(joined(c.report.notes), Contains("1 of 5 objects is a box") && Contains("1 open line was taken as an outline"));
}

TEST_CASE("labelme: one group is one object in parts, and a label apart is another", "[convert]") {
  const Folder f;
  picture(f, "a.png", 40, 60);
  f.file("a.json", file(shape("cat", "[[0, 0], [10, 0], [10, 10], [0, 10]]", R"("group_id": 3)") + ", " +
                        shape("dog", "[[0, 20], [10, 20], [10, 30]]", R"("group_id": 3)") + ", " +
                        shape("cat", "[[20, 0], [30, 0], [30, 10], [20, 10]]", R"("group_id": 3)") + ", " +
                        shape("cat", "[[40, 0], [50, 0], [50, 10], [40, 10]]", R"("group_id": null)")));
  const Converted c = converted("labelme", {f / "a.json"}, f);
  REQUIRE(c.file.annotations.size() == 3);
  CHECK(c.file.polygons(c.annotation(0)).size() == 2);
  CHECK(c.same_pixels(0, drawn(40, 60, [](int y, int x) { return y < 10 && (x < 10 || (x >= 20 && x < 30)); })));
  CHECK(c.annotation(0).w == 30);
}

TEST_CASE("labelme: painted masks are the same pixels", "[convert]") {
  const Folder f;
  picture(f, "a.png", 40, 60);
  const auto disc = [](int y, int x) { return (y - 9) * (y - 9) + (x - 7) * (x - 7) < 40 && (x + y) % 5 != 0; };
  Bitmap window = drawn(18, 15, [&](int y, int x) { return disc(y, x); });
  write_png(f / "mask.png", window);  // values 0 and 1, as labelme stores them
  const std::string code = base64(read_image_bytes(f / "mask.png"));
  f.file("a.json", file(shape("cell", "[[20, 12], [34, 29]]", R"("shape_type": "mask", "mask": ")" + code + "\"")));
  const Converted c = converted("labelme", {f / "a.json"}, f);
  REQUIRE(c.file.annotations.size() == 1);
  CHECK(c.same_pixels(0, drawn(40, 60, [&](int y, int x) { return x >= 20 && x < 35 && y >= 12 && y < 30 && disc(y - 12, x - 20); })));
  CHECK(c.annotation(0).mask == CocoAnnotation::Mask::rle);
  f.file("a.json", file(shape("cell", "[[20, 12], [35, 29]]", R"("shape_type": "mask", "mask": ")" + code + "\"")));
  CHECK_THROWS_WITH(converted("labelme", {f / "a.json"}, f),
                    Contains("a.json: shapes[0]: mask: expected a picture of 18x16 pixels, as its points say, got 18x15"));
  f.file("a.json", file(shape("cell", "[[20, 12], [35, 29]]", R"("shape_type": "mask", "mask": "!")")));
  CHECK_THROWS_WITH(converted("labelme", {f / "a.json"}, f), Contains("shapes[0]: mask: expected a picture in base64, got !"));
}

TEST_CASE("labelme: what encloses nothing is left out and told, or refused", "[convert]") {
  const Folder f;
  picture(f, "a.png", 40, 60);
  f.file("a.json",
         file(shape("a", "[[1, 1]]", R"("shape_type": "point")") + ", " + shape("b", "[[1, 1], [5, 5]]", R"("shape_type": "line")") + ", " +
              shape("c", "[[1, 1], [5, 5], [9, 9]]", R"("shape_type": "polygon")") + ", " +
              shape("d", "[[100, 1], [105, 5], [109, 1]]", R"("shape_type": "polygon")") + ", " +
              shape("e", "[[NaN, 1], [5, 5], [9, 1]]", R"("shape_type": "polygon")") + ", " +
              shape("f", "[[5, 5], [5, 5]]", R"("shape_type": "circle")") + ", " +
              shape("g", "[[0, 0], [10, 0], [10, 10]]", R"("shape_type": "polygon")") + ", " +
              shape("h", "[[5, 5]]", R"("shape_type": "circle")") + ", " + shape("i", "[[5, 5]]", R"("shape_type": "rectangle")")));
  const Converted c = converted("labelme", {f / "a.json"}, f);
  CHECK(c.file.annotations.size() == 1);
  CHECK(c.report.left_out == 8);
  CHECK_THAT(joined(c.report.left_out_first), Contains("a.json: shapes[0] (a): a point shape encloses nothing\n"));
  ConvertOptions o;
  o.kind = "labelme", o.in = {f / "a.json"}, o.faulty_stop = true;
  CHECK_THROWS_WITH(converted(o, f), Contains("shapes[0] (a): a point shape encloses nothing (--faulty drop leaves such out)"));
}

TEST_CASE("labelme: a rectangle or a circle of one point is left out like a polygon of two", "[convert]") {
  convert::Faults faults(false);
  convert::parse_labelme(
      file(shape("a", "[[5, 5]]", R"("shape_type": "circle")") + ", " + shape("b", "[[5, 5]]", R"("shape_type": "rectangle")")), "a.json",
      faults);
  CHECK(joined(faults.first()) ==
        "a.json: shapes[0] (a): points: expected 2 for a circle, got 1\n"
        "a.json: shapes[1] (b): points: expected 2 for a rectangle, got 1\n");
}

TEST_CASE("labelme: the picture is found though it was named on another machine", "[convert]") {
  const Folder f;
  picture(f, "set/images/a b.png", 40, 60);
  const std::string triangle = shape("x", "[[0, 0], [10, 0], [10, 10]]", R"("shape_type": "polygon")");
  for (const char* name :
       {R"(..\\images\\a b.png)", "../images/a b.png", R"(C:\\Users\\me\\shots\\a b.png)", "/home/me/shots/a b.png", "a b.png"}) {
    INFO(name);
    f.file("set/json/a b.json", file(triangle, name));
    const Converted c = converted("labelme", {f / "set/json"}, f);
    CHECK(c.file.images[0].file == "a b.png");
    CHECK(c.report.image_folder == std::filesystem::canonical(f / "set/images").string());
  }
  f.file("set/json/a b.json", file(triangle, ""));  // by the name of the JSON file
  CHECK(converted("labelme", {f / "set/json"}, f).file.images[0].file == "a b.png");
  f.file("set/json/other.json", file(triangle, "c.png"));
  CHECK_THROWS_WITH(converted("labelme", {f / "set/json"}, f),
                    Contains("1 of 2 pictures were not found: c.png (of ") && Contains("--images DIR"));
  f.file("set/json/other.json", R"({"shapes": [], "imagePath": "c.png", "imageData": "iVBORw0KGgo="})");
  CHECK_THROWS_WITH(converted("labelme", {f / "set/json"}, f), Contains("which is inside the JSON file (imageData)"));
  std::filesystem::remove(f / "set/json/other.json");
  f.file("set/json/classes.json", "{}");
  const Converted c = converted("labelme", {f / "set/json"}, f);
  CHECK_THAT(joined(c.report.notes), Contains("1 .json files of the folders are of other kinds"));
}

TEST_CASE("labelme: errors name file, shape and field", "[convert]") {
  convert::Faults faults(false);
  const auto parse = [&](const std::string& shapes) { return convert::parse_labelme(file(shapes), "a.json", faults); };
  CHECK_THROWS_WITH(parse(R"({"points": [[1, 2]]})"), Contains("a.json: line 1") && Contains("shapes[0]: label: is missing"));
  CHECK_THROWS_WITH(parse(R"({"label": "a"})"), Contains("shapes[0]: points: is missing"));
  CHECK_THROWS_WITH(parse(R"({"label": 3, "points": []})"), Contains("shapes[0]: label: expected a string, got 3"));
  CHECK_THROWS_WITH(parse(R"({"label": "a", "points": [[1, "2"]]})"), Contains("shapes[0]: points: expected a number, got \"2\""));
  CHECK_THROWS_WITH(parse(R"({"label": "a", "points": [[1, 2, 3]]})"), Contains("shapes[0]: points: expected [x, y], got 3 numbers"));
  CHECK_THROWS_WITH(parse("7"), Contains("expected an object, got 7"));
  CHECK_THROWS_WITH(convert::parse_labelme("{}", "a.json", faults), Contains("a.json: shapes: is missing"));
  CHECK_THROWS_WITH(convert::parse_labelme("{\"shapes\": [", "a.json", faults), Contains("a.json: line 1"));
  const Folder f;
  picture(f, "a.png", 30, 60);
  f.file("a.json", file(shape("x", "[[0, 0], [10, 0], [10, 10]]", R"("group_id": null)")));
  CHECK_THROWS_WITH(converted("labelme", {f / "a.json"}, f),
                    Contains("a.json: states 40x60 pixels (height x width) for a.png, but ") && Contains("has 30x60"));
  picture(f, "a.png", 60, 40);
  CHECK_THROWS_WITH(converted("labelme", {f / "a.json"}, f), Contains("are height and width swapped?"));
  f.file("a.json",
         file(shape("x", "[[0, 0], [10, 0], [10, 10]]", R"("group_id": null)"), "a.png", R"("imageHeight": null, "imageWidth": null)"));
  CHECK(converted("labelme", {f / "a.json"}, f).file.images[0].height == 60);
}
