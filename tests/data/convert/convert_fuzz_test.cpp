// Damaged annotation files of every format: read, or refused with an Error, within a second.
#include <array>

#include "data/convert/readers.h"
#include "geometry/polygon.h"
#include "tests/data/convert/convert_files.h"
#include "tests/fuzz.h"

using namespace mr;
using namespace mr::test;

namespace {

// What the damage of tests/fuzz.h does not make by itself: words of the formats, numbers at their extremes, brackets that nest.
std::string disturbed(const std::string& good, Rng& rng, const std::vector<std::string>& words) {
  static const std::vector<std::string> numbers = {
      "0",   "-1",       "1e9", "1e308", "-1e308", "4294967296", "9223372036854775807", "99999999999999999999",
      "NaN", "Infinity", "nan", "inf",   "0.5",    "1e-320",     "2147483647"};
  std::string s = good;
  for (uint64_t n = rng.below(3); n > 0; --n) {
    const std::vector<std::string>& from = rng.below(2) ? numbers : words;
    std::string piece = from[rng.below(from.size())];
    if (rng.below(16) == 0)
      for (int doubled = 0; doubled < 10; ++doubled) piece += piece;
    const size_t at = rng.below(s.size() + 1);
    size_t end = at;
    if (rng.below(2))  // in place of a number
      while (end < s.size() && (std::isdigit(static_cast<unsigned char>(s[end])) || s[end] == '.')) ++end;
    s.replace(at, end - at, piece);
  }
  return rng.below(4) ? damaged(std::move(s), rng, 200) : s;
}

const std::vector<std::string> kJsonWords = {"{",    "[",    "]",  "}",       "\"",      ",",           ":",
                                             "null", "true", "[[", "{\"a\":", "\\ud800", "\"shapes\":", "[1,2],"};
const std::vector<std::string> kXmlWords = {"<image>",   "<polygon>",     "</",    "/>", "\"", "&#0;", "&amp;", "<!--", "-->",
                                            "<![CDATA[", "<!DOCTYPE a [", "<?xml", ";",  ",",  "<a>"};

// The objects' outlines must be usable: made into pixels of a small image, as the converter does.
void rasterised(const std::vector<std::vector<double>>& polygons) {
  for (const auto& xy : polygons) rasterise(xy, 60, 60);
}

}  // namespace

TEST_CASE("fuzz: labelme", "[convert][fuzz]") {
  const Folder f;
  write_png(f / "m.png", drawn(3, 4, [](int y, int x) { return x > y; }));
  const std::string mask = base64(read_image_bytes(f / "m.png"));
  const std::string good =
      R"({"version": "5", "flags": {}, "shapes": [{"label": "a", "points": [[1, 2], [30.5, 2], [9, 40]], "group_id": 1, "shape_type": "polygon", "flags": {}},)"
      R"({"label": "a", "points": [[1, 2], [30, 20]], "group_id": 1, "shape_type": "rectangle"}, {"label": "b", "points": [[10, 20], [3, 5]], "shape_type": "circle"},)"
      R"({"label": "c", "points": [[1, 2], [4, 4]], "group_id": null, "shape_type": "mask", "mask": ")" +
      mask + R"("}], "imagePath": "..\\a.png", "imageData": null, "imageHeight": 60, "imageWidth": 60})";
  fuzz(fuzz_rounds(3000), "fuzz labelme", [&](Rng& rng) {
    convert::Faults faults(false);
    for (const auto& o : convert::parse_labelme(disturbed(good, rng, kJsonWords), "a.json", faults).objects) rasterised(o.polygons);
  });
}

TEST_CASE("fuzz: VIA", "[convert][fuzz]") {
  const std::string good =
      R"({"_via_settings": {}, "_via_img_metadata": {"a.png1": {"filename": "a.png", "size": 1, "regions": [)"
      R"({"shape_attributes": {"name": "polygon", "all_points_x": [1, 20, 30], "all_points_y": [2, 3, 40]}, "region_attributes": {"c": "x"}},)"
      R"({"shape_attributes": {"name": "ellipse", "cx": 10, "cy": 10, "rx": 5, "ry": 7.5, "theta": 0.25}, "region_attributes": {"c": {"y": true}}},)"
      R"({"shape_attributes": {"name": "rect", "x": 10, "y": 10, "width": 5, "height": 7}, "region_attributes": []},)"
      R"({"shape_attributes": {"name": "circle", "cx": 10, "cy": 10, "r": 5}, "region_attributes": {}}], "file_attributes": {}}}})";
  fuzz(fuzz_rounds(3000), "fuzz via", [&](Rng& rng) {
    convert::Faults faults(false);
    for (const auto& image : convert::parse_via(disturbed(good, rng, kJsonWords), "a.json", faults))
      for (const auto& region : image.regions) rasterised(region.polygons);
  });
}

TEST_CASE("fuzz: YOLO", "[convert][fuzz]") {
  const std::string good = "0 0.1 0.1 0.9 0.1 0.5 0.9\n1 0.5 0.5 0.25 0.5 \r\n\n2 1e-1 0.1 0.2 0.1 0.3 0.3 0.4 0.9\n";
  const std::vector<std::string> words = {"\n", " ", "\t", "-", "+", ".", "e", "0x1p3", "\r", ","};
  fuzz(fuzz_rounds(3000), "fuzz yolo", [&](Rng& rng) {
    convert::Faults faults(false);
    for (auto& o : convert::parse_yolo(disturbed(good, rng, words), "a.txt", {"a", "b", "c"}, faults)) {
      for (auto& xy : o.polygons)
        for (double& v : xy) v *= 60;
      rasterised(o.polygons);
    }
  });
  const std::string yaml =
      "path: ../x\ntrain: [a, b]\nval: images/val\nnc: 2\nnames:\n  0: cat\n  1: \"dog\\u0041\"\nmore: {x: [1, {y: 2}], z: |\n  text\n  "
      "}\n";
  const std::vector<std::string> marks = {"[", "{",  "- ", "\n", ": ",          "&a ",   "*a",    "!!str ",
                                          "|", "? ", "\"", "'",  "%YAML 1.1\n", "---\n", "...\n", "#"};
  fuzz(fuzz_rounds(3000), "fuzz yaml", [&](Rng& rng) { convert::parse_yolo_yaml(disturbed(yaml, rng, marks), "a.yaml"); });
}

TEST_CASE("fuzz: Pascal VOC", "[convert][fuzz]") {
  const std::string good =
      "<annotation><filename>a.png</filename><size><width>40</width><height>30</height></size><object><name>cat</name><difficult>0</"
      "difficult>"
      "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object></annotation>";
  fuzz(fuzz_rounds(3000), "fuzz voc", [&](Rng& rng) { convert::parse_voc(disturbed(good, rng, kXmlWords), "a.xml"); });
}

TEST_CASE("fuzz: CVAT", "[convert][fuzz]") {
  const std::string good =
      "<?xml version=\"1.0\"?><annotations><meta><task><labels><label><name>car</name></label></labels><original_size><width>60</width>"
      "<height>60</height></original_size></task></meta><image id=\"0\" name=\"a.png\" width=\"60\" height=\"60\">"
      "<polygon label=\"car\" points=\"1,2;30.5,2;9,40\" z_order=\"1\" group_id=\"2\"/><box label=\"car\" xtl=\"1\" ytl=\"2\" xbr=\"30\" "
      "ybr=\"20\" "
      "rotation=\"30\"/><ellipse label=\"car\" cx=\"20\" cy=\"20\" rx=\"5\" ry=\"9\"/>"
      "<mask label=\"car\" rle=\"1, 3, 8\" left=\"5\" top=\"6\" width=\"4\" height=\"3\"/></image>"
      "<track label=\"car\"><box frame=\"3\" outside=\"0\" xtl=\"1\" ytl=\"2\" xbr=\"30\" ybr=\"20\"/></track></annotations>";
  fuzz(fuzz_rounds(3000), "fuzz cvat", [&](Rng& rng) {
    convert::Faults faults(false);
    for (const auto& image : convert::parse_cvat(disturbed(good, rng, kXmlWords), "a.xml", faults).images)
      for (const auto& o : image.objects) rasterised(o.polygons);
  });
}

TEST_CASE("depth: files that nest without end are refused, not followed", "[convert]") {
  convert::Faults faults(false);
  const int deep = 200000;
  std::string lists(deep, '['), objects, elements;
  for (int i = 0; i < deep; ++i) objects += "{\"a\":", elements += "<a>";
  for (const std::string& text : {lists, objects, "{\"shapes\": " + lists, "{\"_via_img_metadata\": {\"a\": {\"regions\": " + lists}) {
    CHECK_THROWS_AS(convert::parse_labelme(text, "a.json", faults), Error);
    CHECK_THROWS_AS(convert::parse_via(text, "a.json", faults), Error);
  }
  std::string closed = "<annotations>" + elements;
  for (int i = 0; i < deep; ++i) closed += "</a>";
  closed += "</annotations>";
  CHECK_THROWS_AS(convert::parse_cvat("<annotations>" + elements, "a.xml", faults), Error);
  CHECK(convert::parse_cvat(closed, "a.xml", faults).images.empty());  // and one that is whole takes no stack
  CHECK_THROWS_AS(convert::parse_yolo_yaml("names: " + lists, "a.yaml"), Error);
}
