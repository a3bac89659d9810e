// Folders of annotation files as people have them: damaged files, files of other kinds, links, what may not be read.
#include "tests/data/convert/convert_files.h"
#include "tests/nobody.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::string labelme(const std::string& name) {
  return R"({"version": "5", "flags": {}, "shapes": [{"label": "cat", "points": [[2, 2], [9, 2], [9, 9]]}], "imagePath": ")" + name +
         R"(.png", "imageHeight": 20, "imageWidth": 20})";
}
std::string via(const std::string& name) {
  return "{\"" + name + R"(.png1": {"filename": ")" + name +
         R"(.png", "size": 1, "regions": [{"shape_attributes": {"name": "polygon", "all_points_x": [2, 9, 9], "all_points_y": [2, 2, 9]},)"
         R"( "region_attributes": {"c": "cat"}}], "file_attributes": {}}})";
}
std::string cvat(const std::string& name) {
  return "<?xml version=\"1.0\"?>\n<annotations><image id=\"0\" name=\"" + name +
         ".png\" width=\"20\" height=\"20\"><polygon label=\"cat\" points=\"2,2;9,2;9,9\"/></image></annotations>";
}
std::string voc() {
  return "<annotation><filename>a.png</filename><object><name>cat</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax>"
         "</bndbox></object></annotation>";
}
std::string utf16(const std::string& text) {
  std::string wide = "\xff\xfe";
  for (const char c : text) wide += {c, '\0'};
  return wide;
}

struct Format {
  std::string kind, extension;
  std::string (*text)(const std::string& picture);
};
const std::vector<Format> kFormats = {{"labelme", ".json", labelme}, {"via", ".json", via}, {"cvat", ".xml", cvat}};

}  // namespace

TEST_CASE("convert: a damaged file in a folder is an error that names it", "[convert]") {
  for (const Format& format : kFormats) {
    const Folder f;
    for (const char* name : {"a", "b"}) picture(f, std::string("set/") + name + ".png", 20, 20);
    const std::string good = format.text("b"), bad = "set/b" + format.extension;
    f.file("set/a" + format.extension, format.text("a"));
    const std::string cut = good.substr(0, 30), late = good.substr(0, good.size() - 9);
    for (const std::string& text : {std::string(), std::string(" \n"), cut, late, std::string(200, '\0'), utf16(good)}) {
      f.file(bad, text);
      INFO(format.kind << ": " << text.substr(0, 40));
      CHECK_THROWS_WITH(converted(format.kind, {f / "set"}, f), Contains(f / bad));
    }
    f.file(bad, "");
    CHECK_THROWS_WITH(converted(format.kind, {f / "set"}, f), Contains(bad + ": is an empty file; if it holds no annotation, move it"));
    f.file(bad, utf16(good));
    CHECK_THROWS_WITH(converted(format.kind, {f / "set"}, f), Contains(bad + ": is text in UTF-16"));
    f.file(bad, good);
    CHECK(converted(format.kind, {f / "set"}, f).file.images.size() == 2);
  }
}

TEST_CASE("convert: files of other kinds in a folder are named and passed over", "[convert]") {
  const Folder f;
  for (const char* name : {"a", "b"}) picture(f, std::string(name) + ".png", 20, 20);
  f.file("a.json", labelme("a"));
  f.file("classes.json", R"({"cat": 1})");
  f.file("coco.json", R"({"images": [], "annotations": [], "categories": []})");
  f.file("v.json", via("b"));
  f.file("z.json", "[]");
  f.file("._a.json", std::string("\0\5\26\7", 4));  // as a Mac leaves them
  f.file(".ipynb_checkpoints/a-checkpoint.json", labelme("a"));
  const Converted c = converted("labelme", {f.path()}, f);
  CHECK(c.file.images.size() == 1);
  const std::string said = joined(c.report.notes);
  CHECK_THAT(said, Contains("4 .json files of the folders are of other kinds, and were passed over: " + (f / "classes.json") + ", " +
                            (f / "coco.json") + " (a COCO annotation file), " + (f / "v.json") + " (VIA annotations), ..."));
  CHECK_THROWS_WITH(converted("labelme", {f / "coco.json"}, f),
                    Contains("coco.json: is a COCO annotation file already: mrcnn recipe new --annotations " + (f / "coco.json")));
  f.file("v.csv", "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n");
  CHECK_THROWS_WITH(converted("via", {f / "v.csv"}, f),
                    Contains("v.csv: is a VIA table (CSV), which is not read: VIA exports the same annotations as JSON"));
}

TEST_CASE("convert: what may not be read is named", "[convert]") {
  const Folder f;
  picture(f, "set/a.png", 20, 20);
  picture(f, "set/sub/b.png", 20, 20);
  f.file("set/a.json", labelme("a"));
  f.file("set/sub/b.json", labelme("b"));
  fs::permissions(f.path(), fs::perms::all);
  const auto says = [&](const std::string& closed, const std::string& part) {
    const fs::perms before = fs::status(f / closed).permissions();
    fs::permissions(f / closed, fs::perms::none);
    {
      const Nobody nobody;
      if (geteuid() != 0) CHECK_THROWS_WITH(converted("labelme", {f / "set"}, f), Contains((f / closed) + part));
    }
    fs::permissions(f / closed, before);
  };
  says("set/sub/b.json", ": cannot open: not permitted");
  says("set/sub", ": the folder cannot be read: not permitted");
  CHECK(converted("labelme", {f / "set"}, f).file.images.size() == 2);
}

TEST_CASE("convert: links are followed, and those that lead nowhere or in a circle are named", "[convert]") {
  const Folder f;
  picture(f, "set/a.png", 20, 20);
  picture(f, "elsewhere/b.png", 20, 20);
  f.file("set/a.json", labelme("a"));
  f.file("elsewhere/b.json", labelme("b"));
  fs::create_directory_symlink("../elsewhere", f / "set/more");
  fs::create_directory_symlink(".", f / "set/around");
  fs::create_symlink("nowhere", f / "set/dead.json");
  fs::create_symlink("self.json", f / "set/self.json");
  const Converted c = converted("labelme", {f / "set"}, f);
  CHECK(c.file.images.size() == 2);
  const std::string said = joined(c.report.notes);
  CHECK_THAT(said, Contains(f.path() + "/set: 3 links were passed over: ") && Contains("set/dead.json (leads nowhere)") &&
                       Contains("set/self.json (leads in a circle)") && Contains("set/around (leads to a folder that was read already)"));
}

TEST_CASE("convert: a set without an object says what was left out, whatever the format", "[convert]") {
  const Folder f;
  picture(f, "a.png", 20, 20);
  f.file("l/a.json", R"({"shapes": [{"label": "cat", "points": [[2, 2], [9, 2]]}], "imagePath": "../a.png"})");
  f.file("via/v.json",
         R"({"a.png1": {"filename": "../a.png", "size": 1, "regions": [{"shape_attributes": {"name": "point", "cx": 2, "cy": 2},)"
         R"( "region_attributes": {"c": "cat"}}], "file_attributes": {}}})");
  f.file("cvat/c.xml",
         "<annotations><meta><task><labels><label><name>cat</name></label></labels></task></meta><image id=\"0\" name=\"../a.png\" "
         "width=\"20\" height=\"20\"><polygon label=\"cat\" points=\"2,2;9,2\"/></image></annotations>");
  std::string flat = voc();
  flat.replace(flat.find("<xmax>9"), 7, "<xmax>1");
  picture(f, "voc/a.png", 20, 20);
  f.file("voc/a.xml", flat);
  picture(f, "yolo/a.png", 20, 20);
  f.file("yolo/classes.txt", "cat\n");
  f.file("yolo/a.txt", "0 0.1 0.1 0.5 0\n0 0.5 0.5 0 0.1\n");
  for (const auto& [kind, in] : std::vector<std::pair<std::string, std::string>>{
           {"labelme", "l"}, {"via", "via"}, {"cvat", "cvat"}, {"voc", "voc"}, {"yolo", "yolo"}}) {
    INFO(kind);
    const std::string records = kind == "yolo" ? "2 records were" : "1 record was";
    CHECK_THROWS_WITH(converted(kind, {f / in}, f), Contains(in + ": holds no object: " + records + " left out: ") &&
                                                        (Contains("a.") || Contains("v.") || Contains("c.")));
  }
  f.file("yolo/a.txt", "");
  CHECK_THROWS_WITH(converted("yolo", {f / "yolo"}, f), Contains("yolo: holds no object"));
}

TEST_CASE("convert: a picture whose name is not UTF-8 is an error that names it", "[convert]") {
  const Folder f;
  const std::string name = "a\xff.png";
  picture(f, name, 20, 20);
  std::string text = labelme("b");
  f.file("a\xff.json", text.replace(text.find("b.png"), 5, "?"));
  CHECK_THROWS_WITH(converted("labelme", {f.path()}, f),
                    Contains("expected the picture's name in UTF-8, as JSON has its texts: rename the file") && Contains(f.path()));
  CHECK_FALSE(fs::exists(f / "out.json"));
}

TEST_CASE("convert: pictures are found with their extension in any case", "[convert]") {
  for (const char* extension : {".WEBP", ".Jpg", ".jPeG", ".Tiff", ".PGM", ".png"}) {
    const Folder f;
    picture(f, std::string("images/a") + extension, 20, 20);
    f.file("labels/a.txt", "0 0.1 0.1 0.9 0.1 0.5 0.9\n");
    f.file("classes.txt", "cat\n");
    INFO(extension);
    CHECK(converted("yolo", {f.path()}, f).file.images.at(0).file == std::string("a") + extension);
  }
}
