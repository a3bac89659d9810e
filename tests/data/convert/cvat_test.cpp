#include "tests/data/convert/convert_files.h"

#include "base/files.h"
#include "data/convert/readers.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

const std::string kMeta =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n<version>1.1</version>\n<meta><task><labels>"
    "<label><name>car</name><attributes/></label><label><name>never</name></label><label><name>person</name></label></labels>"
    "<original_size><width>60</width><height>40</height></original_size></task></meta>\n";
std::string image(const std::string& shapes, const std::string& more = "") {
  return "<image id=\"0\" name=\"sub/a.png\" width=\"60\" height=\"40\"" + more + ">" + shapes + "</image>\n";
}

}  // namespace

TEST_CASE("cvat: every shape of an image is drawn where it was", "[convert]") {
  const Folder f;
  picture(f, "images/sub/a.png", 40, 60);
  f.file("annotations.xml",
         kMeta +
             image("<polygon label=\"car\" source=\"manual\" occluded=\"0\" points=\"5.50,4.00;30.25,8.00;20.00,35.50\" z_order=\"2\">"
                   "<attribute name=\"colour\">red</attribute></polygon>\n"
                   "<box label=\"car\" xtl=\"3.5\" ytl=\"20\" xbr=\"12\" ybr=\"31.5\" z_order=\"1\"/>\n"
                   "<box label=\"person\" xtl=\"20\" ytl=\"15\" xbr=\"40\" ybr=\"25\" rotation=\"90\" z_order=\"3\"/>\n"
                   "<ellipse label=\"person\" cx=\"40\" cy=\"20\" rx=\"9\" ry=\"9\" z_order=\"4\"/>\n"
                   "<mask label=\"person\" rle=\"1, 3, 2, 4, 1, 1\" left=\"50\" top=\"30\" width=\"4\" height=\"3\" z_order=\"5\"/>\n"
                   "<polyline label=\"car\" points=\"1,1;10,1;10,10\" z_order=\"6\"/>\n"
                   "<points label=\"car\" points=\"1,1;2,2\"/><cuboid label=\"car\" xtl1=\"1\"/><tag label=\"car\"/>") +
             "</annotations>");
  const Converted c = converted("cvat", {f / "annotations.xml"}, f);
  REQUIRE(c.file.annotations.size() == 6);
  CHECK(follows(c.mask(0), to_polygon({3.5, 20, 12, 20, 12, 31.5, 3.5, 31.5})));  // the lowest first
  CHECK(follows(c.mask(1), to_polygon({5.5, 4, 30.25, 8, 20, 35.5})));
  CHECK(follows(c.mask(2), to_polygon({25, 10, 35, 10, 35, 30, 25, 30})));
  CHECK(follows(c.mask(3), to_circle(40, 20, 9)));
  // 0111 / 0011 / 1101, row by row
  CHECK(c.same_pixels(4, drawn(40, 60, [](int y, int x) {
                        const char* rows[] = {"0111", "0011", "1101"};
                        return y >= 30 && y < 33 && x >= 50 && x < 54 && rows[y - 30][x - 50] == '1';
                      })));
  CHECK(follows(c.mask(5), to_polygon({1, 1, 10, 1, 10, 10})));
  CHECK(c.name(4) == "person");
  CHECK(c.file.images[0].file == "a.png");
  CHECK(c.report.classes.size() == 3);  // "never" too
  CHECK(c.report.classes[1].objects == 0);
  CHECK(c.report.left_out == 2);
  CHECK_THAT(joined(c.report.left_out_first), Contains("annotations.xml: sub/a.png: points 6 (car): is no outline of an object\n"));
}

TEST_CASE("cvat: groups are objects in parts, subsets become files", "[convert]") {
  const Folder f;
  picture(f, "sub/a.png", 40, 60);
  picture(f, "b.png", 40, 60);
  f.file("a.xml", kMeta +
                      image("<polygon label=\"car\" points=\"0,0;10,0;10,10;0,10\" group_id=\"1\"/>"
                            "<polygon label=\"car\" points=\"20,0;30,0;30,10;20,10\" group_id=\"1\"/>"
                            "<mask label=\"car\" rle=\"0, 4\" left=\"40\" top=\"2\" width=\"2\" height=\"2\" group_id=\"1\"/>"
                            "<polygon label=\"car\" points=\"0,20;10,20;10,30\" group_id=\"0\"/>"
                            "<polygon label=\"person\" points=\"0,20;10,20;10,30\" group_id=\"1\"/>",
                            " subset=\"Train\"") +
                      "<image id=\"1\" name=\"b.png\" width=\"60\" height=\"40\" subset=\"Val 2\"/></annotations>");
  const Converted c = converted("cvat", {f / "a.xml"}, f);
  REQUIRE(c.file.annotations.size() == 3);
  CHECK(c.same_pixels(0, drawn(40, 60, [](int y, int x) {
                        return (y < 10 && (x < 10 || (x >= 20 && x < 30))) || (x >= 40 && x < 42 && y >= 2 && y < 4);
                      })));
  CHECK(c.report.files[0].path == f / "out_train.json");
  CHECK(c.report.files[1].path == f / "out_val_2.json");
  CHECK(c.report.files[1].objects == 0);
}

TEST_CASE("cvat: the subset of those that are in none is no part of a name", "[convert]") {
  const Folder f;
  picture(f, "sub/a.png", 40, 60);
  picture(f, "b.png", 40, 60);
  const std::string first = kMeta + image("<polygon label=\"car\" points=\"0,0;10,0;10,10\"/>", " subset=\"default\"");
  f.file("a.xml", first + "</annotations>");
  CHECK(converted("cvat", {f / "a.xml"}, f).report.files.at(0).path == f / "out.json");
  f.file("a.xml", first + "<image id=\"1\" name=\"b.png\" width=\"60\" height=\"40\" subset=\"Train\"/></annotations>");
  CHECK(converted("cvat", {f / "a.xml"}, f).report.files.at(0).path == f / "out_default.json");
}

TEST_CASE("cvat: the pictures of a project lie in folders of their subsets", "[convert]") {
  const Folder f;
  const std::string objects = "<polygon label=\"car\" points=\"0,0;10,0;10,10\"/>";
  picture(f, "images/Train/sub/a.png", 40, 60);
  picture(f, "images/Val/sub/a.png", 40, 60);
  f.file("a.xml", kMeta + image(objects, " subset=\"Train\"") + image(objects, " subset=\"Val\"") + "</annotations>");
  const Converted c = converted("cvat", {f / "a.xml"}, f);
  REQUIRE(c.report.files.size() == 2);
  CHECK_THAT(read_text_file(f / "out_train.json"), Contains("\"Train/sub/a.png\""));
  CHECK_THAT(read_text_file(f / "out_val.json"), Contains("\"Val/sub/a.png\""));
  picture(f, "alone/images/default/sub/a.png", 40, 60);
  f.file("alone/a.xml", kMeta + image(objects) + "</annotations>");
  CHECK(converted("cvat", {f / "alone/a.xml"}, f).report.files.size() == 1);
}

TEST_CASE("cvat: tracks of a video, where they are to be seen", "[convert]") {
  const Folder f;
  for (const char* name : {"images/frame_000000.png", "images/frame_000007.png"}) picture(f, name, 40, 60);
  f.file("a.xml",
         kMeta +
             "<track id=\"0\" label=\"car\"><box frame=\"0\" outside=\"0\" keyframe=\"1\" xtl=\"1\" ytl=\"2\" xbr=\"11\" ybr=\"12\"/>"
             "<box frame=\"7\" outside=\"1\" keyframe=\"1\" xtl=\"1\" ytl=\"2\" xbr=\"11\" ybr=\"12\"/></track>"
             "<track id=\"1\" label=\"person\"><polygon frame=\"7\" outside=\"0\" points=\"0,0;20,0;20,20;0,20\"/></track></annotations>");
  const Converted c = converted("cvat", {f / "a.xml"}, f);
  REQUIRE(c.file.annotations.size() == 2);
  CHECK(c.file.images[0].file == "frame_000000.png");
  CHECK(c.name(0) == "car");
  CHECK(c.name(1) == "person");
  CHECK(c.annotation(1).image_id == c.file.images[1].id);
  CHECK(c.same_pixels(1, drawn(40, 60, [](int y, int x) { return y < 20 && x < 20; })));
}

TEST_CASE("cvat: errors name file, line, element and attribute", "[convert]") {
  convert::Faults faults(false);
  const auto parse = [&](const std::string& shapes) {
    return convert::parse_cvat(kMeta + image(shapes) + "</annotations>", "a.xml", faults);
  };
  CHECK_THROWS_WITH(parse("<polygon points=\"1,1;2,2;3,1\"/>"), Contains("a.xml: line 5: <polygon>: label: is missing"));
  CHECK_THROWS_WITH(parse("\n<polygon label=\"a\"/>"), Contains("a.xml: line 6: <polygon>: points: is missing"));
  CHECK_THROWS_WITH(parse("<polygon label=\"a\" points=\"1,1;x,2;3,1\"/>"), Contains("<polygon>: points: expected a number, got x"));
  CHECK_THROWS_WITH(parse("<polygon label=\"a\" points=\"1,1;2;3,1\"/>"), Contains("<polygon>: points: expected x,y;x,y;..., got 2"));
  CHECK_THROWS_WITH(parse("<box label=\"a\" xtl=\"1\" ytl=\"1\" xbr=\"2\"/>"), Contains("<box>: ybr: is missing"));
  const std::string mask = "<mask label=\"a\" left=\"0\" top=\"0\" width=\"4\" height=\"3\" rle=\"";
  CHECK_THROWS_WITH(parse(mask + "1, 3\"/>"), Contains("<mask>: rle: expected runs for 12 pixels, got 4"));
  CHECK_THROWS_WITH(parse(mask + "1, 13\"/>"), Contains("<mask>: rle: expected runs that fill the 3x4 window, got one of 13 at pixel 1"));
  CHECK_THROWS_WITH(parse(mask + "-1, 13\"/>"), Contains("<mask>: rle: expected runs"));
  CHECK_THROWS_WITH(parse("<mask label=\"a\" left=\"0\" top=\"0\" width=\"400000000\" height=\"400000000\" rle=\"1\"/>"),
                    Contains("<mask>: width: expected a window no larger than the image of 40x60"));
  CHECK_THROWS_WITH(convert::parse_cvat("<annotations><image name=\"a\" width=\"0\" height=\"1\"/></annotations>", "a.xml", faults),
                    Contains("a.xml: line 1: <image>: width: expected a number of pixels, got 0"));
  CHECK_THROWS_WITH(convert::parse_cvat("<annotations><track label=\"a\"><box/></track></annotations>", "a.xml", faults),
                    Contains("<box>: frame: is missing"));
  CHECK_THROWS_WITH(convert::parse_cvat("<annotation/>", "a.xml", faults), Contains("a.xml: expected <annotations>, got <annotation>"));
  CHECK_THROWS_WITH(convert::parse_cvat("<annotations>\n<image>", "a.xml", faults), Contains("a.xml: line 2: not XML: "));
  CHECK(convert::parse_cvat(std::string("<annotations>") + "</annotations>", "a.xml", faults).images.empty());
}
