#include "tests/data/convert/convert_files.h"

#include "data/convert/readers.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("yolo: outlines and boxes, as exports write them", "[convert]") {
  const Folder f;
  picture(f, "images/a.png", 40, 80);
  picture(f, "images/b.png", 40, 80);
  picture(f, "images/c.png", 40, 80);
  f.file("classes.txt", "dog\ncat \r\n\n");
  f.file("labels/a.txt",
         "1 0.125 0.25 0.5 2.5e-1 0.5 0.75 0.125 0.75  \r\n"  // trailing blanks, an exponent
         "\n"
         "0.0 0.5 0.5 0.25 0.5\n"        // a box among outlines
         "0 0.1 0.1 0.9 0.1 0.5 1.02\n"  // a little outside
         "1 0.1 0.1 0.2 0.2 0.3 0.3\n"   // a line: no pixel
         "1 0.1 0.1\n"
         "1 nan 0.1 0.2 0.1 0.3 0.3");
  f.file("labels/b.txt", "");
  const Converted c = converted("yolo", {f.path()}, f);
  REQUIRE(c.file.annotations.size() == 3);
  CHECK(c.name(0) == "cat");
  CHECK(c.name(1) == "dog");
  CHECK(c.file.polygons(c.annotation(0)) == std::vector<std::vector<double>>{{10, 10, 40, 10, 40, 30, 10, 30}});
  CHECK(c.same_pixels(0, drawn(40, 80, [](int y, int x) { return x >= 10 && x < 40 && y >= 10 && y < 30; })));
  CHECK(c.same_pixels(1, drawn(40, 80, [](int y, int x) { return x >= 30 && x < 50 && y >= 10 && y < 30; })));
  CHECK(follows(c.mask(2), to_polygon({8, 4, 72, 4, 40, 40.8})));
  CHECK(c.annotation(2).y + c.annotation(2).h == 40);  // cut to the image
  CHECK(c.file.images.size() == 3);
  CHECK(c.report.left_out == 3);
  CHECK_THAT(joined(c.report.left_out_first), Contains("a.txt: line 6") || Contains("a.txt: line 7"));
  CHECK_THAT(joined(c.report.notes),
             Contains("1 picture has no text file, which in YOLO means that it holds no object") && Contains("1 of 3 objects is a box"));
}

TEST_CASE("yolo: data.yaml names classes, and folders of subsets", "[convert]") {
  const Folder f;
  for (const char* name : {"train/images/x/a.jpg.png", "train/images/b.png", "valid/images/c.png"}) picture(f, name, 10, 10);
  f.file("train/labels/x/a.jpg.txt", "1 0 0 1 0 1 1\n");
  f.file("train/labels/b.txt", "0 0 0 1 0 1 1\n");
  f.file("valid/labels/c.txt", "1 0 0 1 0 1 1\n");
  f.file("data.yaml",
         "# made by hand\ntrain: ../train/images\nval: '../valid/images'\ntest: \n\nnc: 2\nnames: ['zebra', \"a: b\"]\nroboflow:\n  deep: "
         "{x: [1, 2, {y: 3}]}\n");
  const Converted c = converted("yolo", {f / "data.yaml"}, f);
  REQUIRE(c.report.files.size() == 2);
  CHECK(c.report.files[0].path == f / "out_train.json");
  CHECK(c.report.files[1].path == f / "out_val.json");
  CHECK(c.report.files[0].images == 2);
  CHECK(c.report.classes[0].name == "a: b");
  CHECK(c.report.classes[0].objects == 2);
  CHECK(c.report.classes[1].name == "zebra");
  CHECK(c.file.images[1].file == "train/images/x/a.jpg.png");
  for (const char* made : {"out_train.json", "out_val.json"}) std::filesystem::remove(f / made);
  f.file("data.yaml", "path: .\ntrain: [train/images/x, train/images]\nval: list.txt\nnames:\n  0: zebra\n  1: elk\n");
  f.file("list.txt", "./valid/images/c.png\n");
  CHECK_THROWS_WITH(converted("yolo", {f.path()}, f), Contains("expected one annotation of a picture, got "));
  f.file("data.yaml", "path: .\ntrain: [train/images/x]\nval: list.txt\nnames:\n  0: zebra\n  1: elk\n");
  CHECK(converted("yolo", {f.path()}, f).report.images == 2);
}

TEST_CASE("yolo: descriptions as they are shipped", "[convert]") {
  const Folder f;
  for (const char* name : {"images/a.png", "images/b.png"}) picture(f, name, 10, 10);
  for (const char* name : {"labels/a.txt", "labels/b.txt"}) f.file(name, "0 0 0 1 0 1 1\n");
  f.file("data.yaml", "path: ~\ntrain: images\nval: ./images/\ntest: ../test/images\nnames: [cat, dog, cat]\n");
  const Converted c = converted("yolo", {f.path()}, f);
  REQUIRE(c.report.files.size() == 2);
  CHECK(c.report.files[0].path == f / "out_train.json");
  CHECK(c.report.files[1].path == f / "out_val.json");
  CHECK(c.report.files[0].images == 2);
  CHECK(c.report.files[1].images == 2);
  CHECK(c.report.files[1].objects == 2);
  CHECK(c.report.images == 2);
  CHECK(c.report.objects == 2);
  CHECK(c.report.classes[0].objects == 2);
  CHECK(read_coco(f / "out_val.json").annotations.size() == 2);
  CHECK_THAT(joined(c.report.notes), Contains("2 pictures are of train and val both, and go to both files") &&
                                         Contains("data.yaml: test: there is no ../test/images, so that there is no such subset") &&
                                         Contains("classes 0 and 2 are both called cat, and are one class here"));
  ConvertOptions o;
  o.kind = "yolo", o.in = {f.path()}, o.out = f / "parted.json", o.split = 0.5;
  CHECK(convert_annotations(o).files[0].images == 1);
  for (const char* none : {"null", "~", "", "Null", "[null]"}) {
    INFO(none);
    f.file("data.yaml", std::string("train: images\nval: ") + none + "\ntest: NULL\nnames: [cat]\n");
    CHECK(converted("yolo", {f.path()}, f).report.files.at(0).images == 2);
  }
  const auto parse = [](const std::string& text) { return convert::parse_yolo_yaml(text, "d.yaml"); };
  CHECK(parse("train: 'null'").subsets.at(0).second == std::vector<std::string>{"null"});  // a folder of that name
  CHECK(parse("names: [a, null, b]").names == std::vector<std::string>{"a", "null", "b"});
}

TEST_CASE("yolo: a description none of whose pictures has a text file says where they were looked for", "[convert]") {
  const Folder f;
  for (const char* name : {"imgs/a.png", "imgs/b.png"}) picture(f, name, 10, 10);
  for (const char* name : {"labels/a.txt", "labels/b.txt"}) f.file(name, "0 0 0 1 0 1 1\n");
  f.file("data.yaml", "train: imgs\nnames: [cat]\n");
  CHECK_THROWS_WITH(converted("yolo", {f.path()}, f), Contains("data.yaml: none of the 2 pictures has a text file; looked for was " +
                                                               (f / "imgs/a.txt") + " for " + (f / "imgs/a.png")));
  f.file("imgs/b.txt", "0 0 0 1 0 1 1\n");
  CHECK_THAT(joined(converted("yolo", {f.path()}, f).report.notes),
             Contains("1 picture has no text file, which in YOLO means that it holds no object: " + (f / "imgs/a.png")));
}

TEST_CASE("yolo: descriptions that cannot be used", "[convert]") {
  const auto parse = [](const std::string& text) { return convert::parse_yolo_yaml(text, "d.yaml"); };
  CHECK(parse("").names.empty());
  CHECK(parse("names: {2: c, 0: a}").names == std::vector<std::string>{"a", "", "c"});
  CHECK_THROWS_WITH(parse("names: [a, b"), Contains("d.yaml: line ") && Contains("not YAML"));
  CHECK_THROWS_WITH(parse("names: {x: a}"), Contains("d.yaml: line 1: names: expected class numbers from 0, got x"));
  CHECK_THROWS_WITH(parse("names: {-1: a}"), Contains("names: expected class numbers from 0, got -1"));
  CHECK_THROWS_WITH(parse("names: {999999999: a}"), Contains("names: expected class numbers"));
  CHECK_THROWS_WITH(parse("names: {0: [a]}"), Contains("names: 0: expected a text"));
  CHECK_THROWS_WITH(parse("- a"), Contains("d.yaml: line 1: expected keys such as train"));
  CHECK_THROWS_WITH(parse("a: &x [1]\nb: *x"), Contains("d.yaml: line 2: an alias (*name) is not read here"));
  CHECK_THROWS_WITH(parse("names: [a]\nkpt_shape: [17, 3]"), Contains("kpt_shape: this is a data set of keypoints"));
  CHECK_THROWS_WITH(parse("x: " + std::string(100000, '[')), Contains("d.yaml: line 1: nested deeper than 16"));
  CHECK_THROWS_WITH(parse("x: " + std::string(2000000, 'x')), Contains("d.yaml: expected a YAML file of at most 1 MB, got 2000003 bytes"));
  const Folder f;
  f.file("data.yaml", "train: nowhere\nnames: [a]");
  CHECK_THROWS_WITH(converted("yolo", {f.path()}, f), Contains("data.yaml: train: there is no nowhere"));
  f.file("data.yaml", "train: nowhere\n");
  CHECK_THROWS_WITH(converted("yolo", {f.path()}, f), Contains("data.yaml: names: is missing"));
}

TEST_CASE("yolo: errors name file and line", "[convert]") {
  convert::Faults faults(false);
  const std::vector<std::string> names{"a", "", "c"};
  const auto parse = [&](const std::string& line) { return convert::parse_yolo("0 0 0 1 0 1 1\n" + line, "x.txt", names, faults); };
  CHECK_THROWS_WITH(parse("3 0 0 1 0 1 1"), Contains("x.txt: line 2: class 3 has no name: there are names for 3 classes"));
  CHECK_THROWS_WITH(parse("1 0 0 1 0 1 1"), Contains("x.txt: line 2: class 1 has no name"));
  CHECK_THROWS_WITH(parse("-1 0 0 1 0 1 1"), Contains("expected a class number from 0, got -1"));
  CHECK_THROWS_WITH(parse("0.5 0 0 1 0 1 1"), Contains("expected a class number from 0, got 0.5"));
  CHECK_THROWS_WITH(parse("0 12 40 300 20 80 90"), Contains("expected shares of the image's size, from 0 to 1, got 12"));
  CHECK_THROWS_WITH(parse("0 0.5 0.5 0.1 0.1 0.98"), Contains("got 6 numbers (a detection with its confidence?)"));
  CHECK_THROWS_WITH(parse("cat 0 0 1 0 1 1"), Contains("x.txt: line 2: expected numbers, got cat"));
  CHECK_THROWS_WITH(parse("0 0x1 0 1 0 1 1"), Contains("expected numbers, got 0x1"));
  CHECK(parse("").size() == 1);
  const Folder f;
  picture(f, "a.png", 10, 10);
  f.file("a.txt", "0 0 0 1 0 1 1");
  CHECK_THROWS_WITH(converted("yolo", {f.path()}, f), Contains("the classes have no names: expected a classes.txt or data.yaml"));
  ConvertOptions o;
  o.kind = "yolo", o.in = {f / "a.txt"}, o.class_names = f.file("my.names", "thing\n");
  CHECK(converted(o, f).name(0) == "thing");
  f.file("b.txt", "0 0 0 1 0 1 1");
  o.in = {f.path()};
  std::filesystem::remove(f / "my.names");
  o.class_names = f.file("names/my.names", "thing\n");
  CHECK_THROWS_WITH(converted(o, f), Contains("1 of 2 pictures were not found: b.* (of "));
}
