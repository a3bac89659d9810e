#include "tests/data/convert/convert_files.h"

#include "data/convert/readers.h"
#include "data/convert/recognise.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

std::string object(const std::string& name, int x1, int y1, int x2, int y2, const std::string& more = "") {
  return "<object><name>" + name + "</name>" + more + "<pose>Left</pose><truncated>1</truncated><bndbox><xmax>" + std::to_string(x2) +
         "</xmax><xmin>" + std::to_string(x1) + "</xmin><ymax>" + std::to_string(y2) + "</ymax><ymin>" + std::to_string(y1) +
         "</ymin></bndbox><part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part></"
         "object>\n";
}
std::string annotation(const std::string& objects, int height = 30, int width = 40) {
  return "<annotation>\n<folder>VOC2012</folder><filename>a.png</filename><size><width>" + std::to_string(width) + "</width><height>" +
         std::to_string(height) + "</height><depth>3</depth></size><segmented>1</segmented>\n" + objects + "</annotation>";
}

// Two boxes of objects with a void border: object 1 in columns 2 … 11, object 2 in columns 20 … 35, rows 3 … 22.
int number_at(int y, int x) {
  if (y < 3 || y > 22) return 0;
  const bool first = x >= 2 && x <= 11, second = x >= 20 && x <= 35;
  if (!first && !second) return 0;
  if (y == 3 || y == 22 || x == 2 || x == 11 || x == 20 || x == 35) return 255;
  return first ? 1 : (x + y) % 7 == 0 ? 0 : 2;
}
Bitmap numbers(int (*of)(int)) {
  Bitmap b(30, 40);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 40; ++x) {
      const int n = number_at(y, x);
      b.at(y, x) = static_cast<uint8_t>(n == 0 || n == 255 ? n : of(n));
    }
  return b;
}

struct Set {
  Folder f;
  Set() {
    picture(f, "V/JPEGImages/a.png", 30, 40);
    f.make_parents("V/SegmentationObject/a.png");
    f.make_parents("V/SegmentationClass/a.png");
    write_png(f / "V/SegmentationObject/a.png", numbers([](int n) { return n; }));
  }
  // cat (8) and dog (12), or as `of` has it
  void classes(int (*of)(int)) { write_png(f / "V/SegmentationClass/a.png", numbers(of)); }
  void xml(const std::string& objects) { f.file("V/Annotations/a.xml", annotation(objects)); }
  Converted read() { return converted("voc", {f / "V"}, f); }
};

}  // namespace

TEST_CASE("voc: objects by number, classes by SegmentationClass, void is neither", "[convert]") {
  Set s;
  s.classes([](int n) { return n == 1 ? 8 : 12; });
  s.xml(object("cat", 3, 4, 12, 23) + object("dog", 21, 4, 36, 23, "<difficult>1</difficult>"));
  const Converted c = s.read();
  REQUIRE(c.file.annotations.size() == 2);
  CHECK(c.name(0) == "cat");
  CHECK(c.name(1) == "dog");
  CHECK(c.same_pixels(0, drawn(30, 40, [](int y, int x) { return number_at(y, x) == 1; })));
  CHECK(c.same_pixels(1, drawn(30, 40, [](int y, int x) { return number_at(y, x) == 2; })));
  CHECK_FALSE(c.annotation(0).crowd);
  CHECK(c.annotation(1).crowd);
  CHECK_THAT(joined(c.report.notes), Contains("1 difficult object is a crowd"));
  CHECK(c.file.images[0].file == "a.png");
  CHECK(c.report.image_folder == std::filesystem::canonical(s.f / "V/JPEGImages").string());
}

TEST_CASE("voc: without SegmentationClass the XML file names objects, whatever their order", "[convert]") {
  Set s;
  s.xml(object("dog", 21, 4, 36, 23, "<difficult>0</difficult>") + object("cat", 3, 4, 12, 23));  // the other way round
  const Converted c = s.read();
  REQUIRE(c.file.annotations.size() == 2);
  CHECK(c.name(0) == "cat");
  CHECK(c.name(1) == "dog");
  s.xml(object("cat", 3, 4, 12, 23));
  CHECK_THROWS_WITH(
      s.read(), Contains("SegmentationObject/a.png: object 2: has no class: neither SegmentationClass nor an object of Annotations/a.xml"));
}

TEST_CASE("voc: classes of one's own", "[convert]") {
  Set s;
  s.classes([](int n) { return n == 1 ? 2 : 1; });
  s.xml(object("elk", 3, 4, 12, 23) + object("moose", 21, 4, 36, 23));
  Converted c = s.read();  // 2 is no bicycle here: the XML file has other names
  CHECK(c.name(0) == "elk");
  CHECK(c.name(1) == "moose");
  s.f.file("V/labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\nmoose:128,0,0::\nelk:0,128,0::\n");
  std::filesystem::remove(s.f / "V/Annotations/a.xml");
  c = s.read();
  CHECK(c.name(0) == "elk");
  CHECK(c.name(1) == "moose");
  s.f.file("V/labelmap.txt", "background:0,0,0::\nmoose 1\n");
  CHECK_THROWS_WITH(s.read(), Contains("labelmap.txt: line 2: expected NAME:RED,GREEN,BLUE:..., got moose 1"));
}

TEST_CASE("voc: pictures in colours, as CVAT exports them", "[convert]") {
  Set s;
  s.f.file("V/labelmap.txt", "background:0,0,0::\nmoose:10,20,30::\nelk:200,0,7::\n");
  Image classes(30, 40), objects(30, 40);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 40; ++x) {
      const int n = number_at(y, x);
      const uint8_t by_class[3][3] = {{0, 0, 0}, {200, 0, 7}, {10, 20, 30}},
                    by_number[3][3] = {{0, 0, 0}, {128, 0, 0}, {0, 128, 0}};  // VOC's palette
      const uint8_t border[3] = {224, 224, 192};
      std::copy_n(n == 255 ? border : by_class[n], 3, classes.at(y, x));
      std::copy_n(n == 255 ? border : by_number[n], 3, objects.at(y, x));
    }
  write_png(s.f / "V/SegmentationClass/a.png", classes);
  write_png(s.f / "V/SegmentationObject/a.png", objects);
  const Converted c = s.read();
  REQUIRE(c.file.annotations.size() == 2);
  CHECK(c.name(0) == "elk");
  CHECK(c.same_pixels(0, drawn(30, 40, [](int y, int x) { return number_at(y, x) == 1; })));
  CHECK(c.same_pixels(1, drawn(30, 40, [](int y, int x) { return number_at(y, x) == 2; })));
  classes.at(5, 6)[2] = 99;
  write_png(s.f / "V/SegmentationClass/a.png", classes);
  CHECK_THROWS_WITH(s.read(), Contains("SegmentationClass/a.png: row 5, column 6: no number stands for the colour 200,0,99"));
}

TEST_CASE("voc: lists of ImageSets, single XML files, boxes without masks", "[convert]") {
  Set s;
  s.classes([](int) { return 8; });
  picture(s.f, "V/JPEGImages/b.png", 30, 40);
  std::filesystem::copy_file(s.f / "V/SegmentationObject/a.png", s.f / "V/SegmentationObject/b.png");
  std::filesystem::copy_file(s.f / "V/SegmentationClass/a.png", s.f / "V/SegmentationClass/b.png");
  s.f.file("V/ImageSets/Segmentation/train.txt", "a \n");
  s.f.file("V/ImageSets/Segmentation/val.txt", "b\n\n");
  CHECK(s.read().report.files.size() == 2);
  for (const char* made : {"out_train.json", "out_val.json"}) std::filesystem::remove(s.f / made);
  CHECK(converted("voc", {s.f / "V/ImageSets/Segmentation/val.txt"}, s.f).file.images[0].file == "b.png");
  std::filesystem::remove(s.f / "out_val.json");

  picture(s.f, "D/JPEGImages/a.png", 30, 40);
  s.f.file("D/Annotations/a.xml", annotation(object("cat", 3, 4, 12, 23) + object("cat", 5, 5, 4, 9)));
  const Converted c = converted("voc", {s.f / "D"}, s.f);
  REQUIRE(c.file.annotations.size() == 1);
  CHECK(c.same_pixels(0, drawn(30, 40, [](int y, int x) { return x >= 2 && x < 12 && y >= 3 && y < 23; })));
  CHECK_THAT(joined(c.report.notes), Contains("1 of 1 object is a box, with rectangles for masks"));
  CHECK_THAT(joined(c.report.left_out_first), Contains("a.xml: object 2 (cat): its box has no extent"));
  CHECK(converted("voc", {s.f / "D/Annotations/a.xml"}, s.f).file.annotations.size() == 1);
  CHECK_THROWS_WITH(converted("voc", {s.f / "D/JPEGImages"}, s.f),
                    Contains("JPEGImages: expected a folder with .xml files, got one without"));
}

TEST_CASE("voc: XML files beside their pictures, in capitals, in folders of their own", "[convert]") {
  const Folder f;
  const std::string xml = annotation(object("cat", 3, 4, 12, 23));
  const Bitmap box = drawn(30, 40, [](int y, int x) { return x >= 2 && x < 12 && y >= 3 && y < 23; });
  picture(f, "beside/a.png", 30, 40);  // as labelImg writes them
  f.file("beside/a.xml", xml);
  picture(f, "split/train/a.png", 30, 40);  // as Roboflow does
  f.file("split/train/a.xml", xml);
  picture(f, "apart/images/a.png", 30, 40);
  f.file("apart/Annotations/a.XML", xml);
  for (const char* in : {"beside", "beside/a.xml", "split", "split/train/a.xml", "apart", "apart/Annotations", "apart/Annotations/a.XML"}) {
    INFO(in);
    const Converted c = converted("voc", {f / in}, f);
    REQUIRE(c.file.annotations.size() == 1);
    CHECK(c.same_pixels(0, box));
    CHECK_THAT(joined(c.report.notes), Contains("--set model.mask.kind=none trains on boxes alone"));
    CHECK(recognise_annotations(f / (std::string(in) == "split" ? "split/train" : in)).kind == "voc");  // so the command is told
  }
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(f / "beside");
  CHECK(converted("voc", {"a.xml"}, f).file.annotations.size() == 1);
  std::filesystem::current_path(before);
}

TEST_CASE("voc: XML files without a picture of objects are named where others have one", "[convert]") {
  Set s;
  s.classes([](int) { return 8; });
  s.xml(object("cat", 3, 4, 12, 23));
  picture(s.f, "V/JPEGImages/b.png", 30, 40);
  s.f.file("V/Annotations/b.xml", annotation(object("dog", 3, 4, 12, 23)));
  CHECK_THAT(joined(s.read().report.notes),
             Contains("1 XML files have no picture in SegmentationObject, and were passed over: " + (s.f / "V/Annotations/b.xml")));
  const Converted both = converted("voc", {s.f / "V/Annotations"}, s.f);
  CHECK(both.file.images.size() == 2);
  CHECK(both.file.annotations.size() == 3);
}

TEST_CASE("voc: errors name file, line, element and value", "[convert]") {
  const auto parse = [](const std::string& objects) { return convert::parse_voc(annotation(objects), "a.xml"); };
  CHECK_THROWS_WITH(parse("<object><bndbox/></object>"), Contains("a.xml: line 3: <object>: name: is missing"));
  CHECK_THROWS_WITH(parse("<object><name>a</name></object>"), Contains("a.xml: line 3: <object>: bndbox: is missing"));
  CHECK_THROWS_WITH(parse("<object><name>a</name><bndbox><xmin>x</xmin></bndbox></object>"),
                    Contains("<bndbox>: xmin: expected a number, got x"));
  CHECK_THROWS_WITH(parse("<object><name>a</name><bndbox><xmin>1</xmin></bndbox></object>"),
                    Contains("<bndbox>: ymin: expected a number, got nothing"));
  CHECK_THROWS_WITH(convert::parse_voc("<annotations/>", "a.xml"), Contains("a.xml: expected <annotation>, got <annotations>"));
  Set s;
  s.classes([](int) { return 8; });
  s.f.file("V/Annotations/a.xml", annotation("", 31, 40));
  CHECK_THROWS_WITH(s.read(), Contains("SegmentationObject/a.png: expected 31x40 pixels, as Annotations/a.xml says, got 30x40"));
  std::filesystem::remove(s.f / "V/Annotations/a.xml");
  write_png(s.f / "V/SegmentationClass/a.png", Bitmap(30, 41));
  CHECK_THROWS_WITH(s.read(), Contains("SegmentationClass/a.png: expected 30x40 pixels, as SegmentationObject has, got 30x41"));
  picture(s.f, "V/JPEGImages/a.png", 40, 30);
  s.classes([](int) { return 8; });
  CHECK_THROWS_WITH(s.read(), Contains("are height and width swapped?"));
}
