#include "tests/data/convert/convert_files.h"

#include "tests/data/image_files.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

bool disc(int y, int x, int cy, int cx) { return (y - cy) * (y - cy) + (x - cx) * (x - cx) < 60; }

Bitmap white(Bitmap mask) {
  for (uint8_t& p : mask.pixels) p = p ? 255 : 0;
  return mask;
}

template <class Picture> void write(const Folder& f, const std::string& name, const Picture& pixels) {
  f.make_parents(name);
  write_png(f / name, pixels);
}

const Bitmap kFirst = drawn(30, 40, [](int y, int x) { return disc(y, x, 10, 12); });
const Bitmap kSecond = drawn(30, 40, [](int y, int x) { return disc(y, x, 18, 16) && (x + y) % 3 != 0; });  // overlaps the first

}  // namespace

TEST_CASE("masks: the four layouts, a picture an object", "[convert]") {
  const Folder f;
  std::vector<std::string> names;
  SECTION("a folder an image, as the 2018 Data Science Bowl has them") {
    names = {"set/9f3/images/9f3.png", "set/9f3/masks/a.png", "set/9f3/masks/b.png"};
  }
  SECTION("a folder of masks an image") { names = {"set/images/9f3.png", "set/masks/9f3/a.png", "set/masks/9f3/b.png"}; }
  SECTION("names that go on") { names = {"set/images/9f3.png", "set/masks/9f3_1.png", "set/masks/9f3_2.png"}; }
  SECTION("all in one folder") { names = {"set/9f3.png", "set/9f3_mask_01.png", "set/9f3_mask_02.png"}; }
  picture(f, names[0], 30, 40);
  write(f, names[1], white(kFirst));
  Bitmap16 faint(30, 40);  // 16 bits, of which a picture of 8 would keep none
  for (size_t i = 0; i < faint.pixels.size(); ++i) faint.pixels[i] = kSecond.pixels[i];
  write(f, names[2], faint);
  ConvertOptions o;
  o.kind = "masks", o.in = {f / "set"}, o.class_name = "nucleus";
  const Converted c = converted(o, f);
  REQUIRE(c.file.annotations.size() == 2);
  CHECK(c.same_pixels(0, kFirst));
  CHECK(c.same_pixels(1, kSecond));
  CHECK(c.name(0) == "nucleus");
  CHECK(c.file.images[0].file == "9f3.png");
}

TEST_CASE("masks: a mask belongs to the image of the longest name, and what belongs to none is told", "[convert]") {
  const Folder f;
  picture(f, "images/a.png", 30, 40);
  picture(f, "images/a_1.png", 30, 40);
  picture(f, "images/bare.png", 30, 40);
  write(f, "masks/a_1_1.png", white(kFirst));
  write(f, "masks/a_2.png", white(kSecond));
  write(f, "masks/a_3.png", Bitmap(30, 40));  // nothing in it
  write(f, "masks/alone_1.png", white(kFirst));
  const Converted c = converted("masks", {f.path()}, f);
  REQUIRE(c.file.annotations.size() == 2);
  CHECK(c.file.images.size() == 2);
  CHECK(c.annotation(0).image_id == 1);
  CHECK(c.same_pixels(0, kSecond));
  CHECK(c.same_pixels(1, kFirst));
  CHECK(c.name(0) == "object");
  CHECK_THAT(joined(c.report.left_out_first), Contains("a_3.png (object): has no pixel within the image"));
  CHECK_THAT(joined(c.report.notes), Contains("1 pictures of masks belong to no image") && Contains("alone_1.png") &&
                                         Contains("1 images have no picture of masks") && Contains("bare.png"));
}

TEST_CASE("masks: images without masks are named in a folder an image, too", "[convert]") {
  const Folder f;
  for (const char* name : {"x1/images/x1.png", "x2/images/x2.png", "x3/images/x3.png"}) picture(f, name, 30, 40);
  write(f, "x1/masks/0.png", white(kFirst));
  std::filesystem::create_directories(f / "x2/masks");  // which says that there is no object
  write(f, "x4/masks/0.png", white(kFirst));
  const Converted c = converted("masks", {f.path()}, f);
  CHECK(c.file.images.size() == 2);
  CHECK_THAT(joined(c.report.notes),
             Contains("1 images have no picture of masks, and were passed over: " + (f / "x3/images/x3.png")) &&
                 Contains("1 pictures of masks belong to no image, and were passed over: " + (f / "x4/masks/0.png")));
}

TEST_CASE("masks: colours, and the zeros of a JPEG", "[convert]") {
  const Folder f;
  picture(f, "a.png", 30, 40);
  Image red(30, 40);
  Image grey(30, 40);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 40; ++x) {
      red.at(y, x)[0] = kFirst.at(y, x) ? 1 : 0;
      const bool square = y >= 8 && y < 24 && x >= 8 && x < 32;
      std::fill_n(grey.at(y, x), 3, static_cast<uint8_t>(square ? 250 : 6));
    }
  write(f, "a_mask1.png", red);
  const test::File jpeg = encode_jpeg(grey.rgb, 30, 40, JCS_RGB);
  f.file("a_mask2.jpg", std::string(jpeg.begin(), jpeg.end()));
  const Converted c = converted("masks", {f.path()}, f);
  REQUIRE(c.file.annotations.size() == 2);
  CHECK(c.same_pixels(0, kFirst));
  CHECK(c.same_pixels(1, drawn(30, 40, [](int y, int x) { return y >= 8 && y < 24 && x >= 8 && x < 32; })));
}

TEST_CASE("instance maps: layouts, 8 and 16 bits", "[convert]") {
  const Folder f;
  const auto number = [](int y, int x) { return x < 10 ? 0 : x < 20 ? 3 : y < 15 ? 700 : (x + y) % 2 ? 65535 : 0; };
  Bitmap16 map(30, 40);
  Bitmap small(30, 40);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 40; ++x) {
      map.at(y, x) = static_cast<uint16_t>(number(y, x));
      small.at(y, x) = static_cast<uint8_t>(number(y, x) == 700 ? 200 : number(y, x) == 65535 ? 255 : number(y, x));
    }
  std::string image, mask;
  SECTION("images and masks") { image = "set/images/x.png", mask = "set/masks/x.png"; }
  SECTION("images and labels") { image = "set/images/x.png", mask = "set/labels/x_label.png"; }
  SECTION("Penn-Fudan") { image = "set/PNGImages/x.png", mask = "set/PedMasks/x_mask.png"; }
  SECTION("one folder") { image = "set/x.png", mask = "set/x_cp_masks.png"; }
  picture(f, image, 30, 40);
  for (const bool wide : {true, false}) {
    if (wide)
      write(f, mask, map);
    else
      write(f, mask, small);
    const Converted c = converted("instance-maps", {f / "set"}, f);
    REQUIRE(c.file.annotations.size() == 3);
    CHECK(c.same_pixels(0, drawn(30, 40, [&](int y, int x) { return number(y, x) == 3; })));
    CHECK(c.same_pixels(1, drawn(30, 40, [&](int y, int x) { return number(y, x) == 700; })));
    CHECK(c.same_pixels(2, drawn(30, 40, [&](int y, int x) { return number(y, x) == 65535; })));
    CHECK(c.report.notes.empty());
  }
}

TEST_CASE("instance maps: images elsewhere, masks of a class, and errors", "[convert]") {
  const Folder f;
  picture(f, "photos/x.png", 30, 40);
  picture(f, "photos/y.png", 30, 40);
  write(f, "maps/x.png", white(kFirst));
  write(f, "maps/y.png", white(kSecond));
  ConvertOptions o;
  o.kind = "instance-maps", o.in = {f / "maps"}, o.images = f / "photos";
  CHECK_THAT(joined(converted(o, f).report.notes), Contains("no map holds more than one number: if these are masks of a class"));
  picture(f, "maps/y.png", 30, 40);  // in colours
  CHECK_THROWS_WITH(converted(o, f), Contains("maps/y.png': expected a grey or palette PNG, got 3 channels; save it as one first"));
  write(f, "maps/y.png", Bitmap(30, 41));
  CHECK_THROWS_WITH(converted(o, f),
                    Contains("y.png: states 30x41 pixels (height x width) for ") && Contains("is this the picture that was annotated?"));
  o.in = {f / "photos/x.png"};
  CHECK_THROWS_WITH(converted(o, f), Contains("x.png: expected a folder, got a file"));
  o.in = {f / "photos"}, o.images.clear();
  CHECK_THROWS_WITH(converted(o, f), Contains("photos: expected images and pictures of their masks"));
  picture(f, "photos/x.jpg", 30, 40);
  o.in = {f / "maps"}, o.images = f / "photos";
  CHECK_THROWS_WITH(converted(o, f), Contains("x.png: expected one image of that name, got ") && Contains("x.jpg too"));
}
