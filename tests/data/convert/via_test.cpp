#include "tests/data/convert/convert_files.h"

#include <numbers>

#include "data/convert/readers.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

std::string region(const std::string& shape, const std::string& attributes = R"({"class": "cat"})") {
  return R"({"shape_attributes": {)" + shape + R"(}, "region_attributes": )" + attributes + "}";
}
std::string image(const std::string& regions, const std::string& name = "a.png", const std::string& size = "-1") {
  return "\"" + name + size + R"(": {"filename": ")" + name + R"(", "size": )" + size + R"(, "regions": )" + regions +
         R"(, "file_attributes": {"caption": ""}})";
}

const std::string kTriangle = R"("name": "polygon", "all_points_x": [5, 40.5, 12], "all_points_y": [3, 8.25, 33])";

}  // namespace

TEST_CASE("via: every shape of a project is drawn where it was", "[convert]") {
  const Folder f;
  picture(f, "a.png", 40, 60);
  const std::string regions = "[" + region(kTriangle) + ", " + region(R"("name": "rect", "x": 3, "y": 20, "width": 9, "height": 12)") +
                              ", " + region(R"("name": "circle", "cx": 40, "cy": 22, "r": 11.5)") + ", " +
                              region(R"("name": "ellipse", "cx": 30, "cy": 20, "rx": 18, "ry": 6, "theta": 0.5)") + ", " +
                              region(R"("name": "polyline", "all_points_x": [1, 20, 20, 2], "all_points_y": [1, 1, 12, 12])") + ", " +
                              region(R"("name": "point", "cx": 3, "cy": 3)") + ", " + region("") + "]";
  f.file("p.json",
         R"({"_via_settings": {"ui": {}}, "_via_img_metadata": {)" + image(regions) +
             R"(}, "_via_attributes": {"region": {}, "file": {}}, "_via_data_format_version": "2.0.10", "_via_image_id_list": []})");
  const Converted c = converted("via", {f / "p.json"}, f);
  REQUIRE(c.file.annotations.size() == 5);
  CHECK(c.name(0) == "cat");
  CHECK(follows(c.mask(0), to_polygon({5, 3, 40.5, 8.25, 12, 33})));
  CHECK(follows(c.mask(1), to_polygon({3, 20, 12, 20, 12, 32, 3, 32})));
  CHECK(follows(c.mask(2), to_circle(40, 22, 11.5)));
  std::vector<double> dense;  // the ellipse's outline, from its equation
  for (int k = 0; k < 4000; ++k) {
    const double t = 2 * std::numbers::pi * k / 4000, u = 18 * std::cos(t), v = 6 * std::sin(t);
    dense.push_back(30 + u * std::cos(0.5) - v * std::sin(0.5));
    dense.push_back(20 + u * std::sin(0.5) + v * std::cos(0.5));
  }
  CHECK(follows(c.mask(3), to_polygon(dense)));
  CHECK(follows(c.mask(4), to_polygon({1, 1, 20, 1, 20, 12, 2, 12})));
  CHECK(c.report.left_out == 2);
  CHECK_THAT(joined(c.report.left_out_first),
             Contains("p.json: a.png-1: regions[5]: a point encloses nothing\n") && Contains("regions[6]: has no shape"));
  CHECK_THAT(joined(c.report.notes), Contains("the region attribute 'class' is the class") && Contains("1 of 5 objects is a box"));
}

TEST_CASE("via: version 1 and exported annotations", "[convert]") {
  const Folder f;
  picture(f, "a.png", 40, 60);
  picture(f, "b.png", 40, 60);
  f.file("v1.json",
         R"({"a.png-1": {"fileref": "", "size": -1, "filename": "a.png", "base64_img_data": "", "file_attributes": {}, "regions": {"0": )" +
             region(kTriangle, R"({"name": "x"})") + R"(, "1": )" + region(kTriangle, R"([{"name": "y"}])") + "}}, " +
             image("[]", "b.png") + "}");
  const Converted c = converted("via", {f / "v1.json"}, f);
  REQUIRE(c.file.annotations.size() == 2);
  CHECK(c.name(0) == "x");
  CHECK(c.name(1) == "y");
  CHECK(c.file.images.size() == 2);
  CHECK_THAT(joined(c.report.notes), Contains("1 of 2 images has no object"));
}

TEST_CASE("via: which attribute is the class", "[convert]") {
  const Folder f;
  picture(f, "a.png", 40, 60);
  const auto read = [&](const std::string& attributes, const std::string& attribute = "", const std::string& name = "") {
    f.file("p.json", "{" + image("[" + region(kTriangle, attributes) + "]") + "}");
    ConvertOptions o;
    o.kind = "via", o.in = {f / "p.json"}, o.class_attribute = attribute, o.class_name = name;
    return converted(o, f).name(0);
  };
  CHECK(read(R"({"species": "elk"})") == "elk");
  CHECK(read(R"({"species": {"elk": true, "moose": false}})") == "elk");
  CHECK(read(R"({"species": 7})") == "7");
  CHECK(read(R"({"note": "blurred", "Label": "elk"})") == "elk");
  CHECK(read(R"({"note": "blurred", "species": "elk"})", "species") == "elk");
  CHECK_THROWS_WITH(read(R"({"note": "blurred", "species": "elk"})"),
                    Contains("p.json: regions have several attributes (note, species): --class-attribute"));
  CHECK_THROWS_WITH(read(R"({"note": "blurred"})", "nots"),
                    Contains("--class-attribute: expected an attribute of the regions (note), got nots; the nearest is note"));
  CHECK_THROWS_WITH(read(R"({"species": {"elk": true, "moose": true}})"),
                    Contains("region_attributes.species: expected one value, got elk and moose"));
  CHECK_THROWS_WITH(read("{}"), Contains("p.json: a.png-1: regions[0]: has no class; --class NAME"));
  CHECK(read("{}", "", "balloon") == "balloon");
}

TEST_CASE("via: errors name file, picture, region and field", "[convert]") {
  convert::Faults faults(false);
  const auto parse = [&](const std::string& text) { return convert::parse_via(text, "p.json", faults); };
  CHECK_THROWS_WITH(parse("{" + image("[" + region(R"("name": "rect", "x": 1)") + "]") + "}"),
                    Contains("p.json: line 1") && Contains("a.png-1: regions[0]: shape_attributes.y: is missing"));
  CHECK_THROWS_WITH(parse("{" + image("[" + region(R"("name": "polygon", "all_points_x": [1, 2], "all_points_y": [1])") + "]") + "}"),
                    Contains("expected as many all_points_x as all_points_y, got 2 and 1"));
  CHECK_THROWS_WITH(parse("{" + image("3") + "}"), Contains("a.png-1: regions: expected an array, got 3"));
  CHECK_THROWS_WITH(parse(R"({"a": {"regions": []}})"), Contains("a: filename: is missing; is this a file of VIA annotations?"));
  CHECK_THROWS_WITH(parse(R"({"a": {"filename": "a"}})"), Contains("a: regions: is missing"));
  CHECK_THROWS_WITH(parse(R"([])"), Contains("expected an object, got []"));
  const Folder f;
  picture(f, "a.png", 40, 60);
  f.file("p.json", "{" + image("[" + region(kTriangle) + "]", "a.png", "12345") + "}");
  CHECK_THAT(joined(converted("via", {f / "p.json"}, f).report.notes), Contains("1 pictures have another size in bytes"));
}
