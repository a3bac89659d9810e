#include <cmath>
#include <limits>
#include <set>

#include "base/check.h"
#include "data/draw/detections.h"
#include "data/draw/font.h"
#include "data/draw/primitives.h"
#include "tensor/rng.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

constexpr Rgb white{255, 255, 255}, red{255, 0, 0};
const float infinite = std::numeric_limits<float>::infinity(), nan_value = std::numeric_limits<float>::quiet_NaN();

Rgb pixel(const Image& i, int y, int x) { return {i.at(y, x)[0], i.at(y, x)[1], i.at(y, x)[2]}; }
double red_sum(const Image& i) {
  double sum = 0;
  for (int y = 0; y < i.height; ++y)
    for (int x = 0; x < i.width; ++x) sum += i.at(y, x)[0] / 255.0;
  return sum;
}
CroppedMask square(int height, int width, int x0, int y0, int side) {
  CroppedMask m{height, width, x0, y0, Bitmap(side, side)};
  std::fill(m.bits.pixels.begin(), m.bits.pixels.end(), uint8_t{1});
  return m;
}

}  // namespace

TEST_CASE("font: every printable character has a shape of its own") {
  std::set<std::string> shapes;
  for (int c = 32; c < 127; ++c) {
    std::string shape;
    for (int y = 0; y < glyph_height; ++y)
      for (int x = 0; x < glyph_width; ++x) shape += glyph_pixel(static_cast<char>(c), x, y) ? '#' : '.';
    INFO("character " << c);
    CHECK(shapes.insert(shape).second);
    CHECK((shape.find('#') == std::string::npos) == (c == 32));
  }
  CHECK(glyph_pixel('L', 0, 0));
  CHECK(glyph_pixel('L', 4, 6));
  CHECK_FALSE(glyph_pixel('L', 1, 0));
  for (const char c : {'\n', '\x7f', '\xe4'})  // what has no shape shows as a question mark
    for (int y = 0; y < glyph_height; ++y)
      for (int x = 0; x < glyph_width; ++x) CHECK(glyph_pixel(c, x, y) == glyph_pixel('?', x, y));
}

TEST_CASE("draw: lines, rectangles, polygons cover what they should") {
  Image a(10, 12);
  draw_line(a, {2, 4.5}, {9, 4.5}, 1, red);
  for (int x = 2; x < 9; ++x) CHECK(pixel(a, 4, x) == red);
  CHECK(pixel(a, 3, 5) == Rgb{});
  CHECK(pixel(a, 5, 5) == Rgb{});

  Image between(10, 12);  // half in one row, half in the next
  draw_line(between, {2, 5}, {9, 5}, 1, red);
  CHECK(pixel(between, 4, 5).r == 128);
  CHECK(pixel(between, 5, 5).r == 128);

  Image p(20, 20);
  const Point triangle[] = {{2, 2}, {17, 2}, {2, 17}};
  fill_polygon(p, triangle, red);
  CHECK(red_sum(p) == Approx(112.5).epsilon(0.005));
  CHECK(pixel(p, 3, 3) == red);
  CHECK(pixel(p, 16, 16) == Rgb{});
  Image part(20, 20);
  const Point slim[] = {{3.25, 4}, {3.75, 4}, {3.75, 8}, {3.25, 8}};
  fill_polygon(part, slim, red);
  CHECK(pixel(part, 5, 3).r == 128);

  Image r(10, 10);
  draw_rectangle(r, {1, 2, 9, 8}, 1, red);
  int count = 0;
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 10; ++x) count += pixel(r, y, x) == red;
  CHECK(count == 2 * 8 + 2 * 4);
  CHECK(pixel(r, 2, 1) == red);
  CHECK(pixel(r, 7, 8) == red);
  CHECK(pixel(r, 3, 2) == Rgb{});
  Image half(4, 4);
  fill_rectangle(half, {0, 0, 2, 4}, white, 0.5);
  CHECK(pixel(half, 0, 1) == Rgb{128, 128, 128});
  CHECK(pixel(half, 0, 2) == Rgb{});
  draw_rectangle(half, {0, 0, 1, 1}, 3, red, 0.5);  // thicker than the box: filled once, not twice
  CHECK(pixel(half, 0, 0) == Rgb{192, 64, 64});
}

TEST_CASE("draw: what lies outside, is empty or is not a number draws nothing") {
  Image a(6, 6);
  draw_line(a, {-50, -50}, {-10, -3}, 2, red);
  draw_line(a, {1, 1}, {4, 4}, 0, red);
  draw_line(a, {std::nan(""), 1}, {4, 4}, 1, red);
  draw_line(a, {1, 1}, {4, 4}, std::nan(""), red);
  fill_rectangle(a, {7, 7, 90, 90}, red);
  fill_rectangle(a, {4, 4, 2, 2}, red);
  fill_rectangle(a, {nan_value, 0, 2, 2}, red);
  fill_rectangle(a, {0, 0, infinite, 2}, red);
  draw_rectangle(a, {-infinite, nan_value, 2, 2}, 1, red);
  const Point bad[] = {{0, 0}, {1e300, 0}, {0, std::nan("")}}, two[] = {{0, 0}, {3, 3}};
  fill_polygon(a, bad, red);
  fill_polygon(a, two, red);
  draw_text(a, -40, -40, "hidden", red);
  blend(a, -1, 2, red);
  blend(a, 2, 6, red);
  CHECK(red_sum(a) == 0);
  const Point huge[] = {{-1e9, -1e9}, {1e9, -1e9}, {1e9, 1e9}, {-1e9, 1e9}};
  fill_polygon(a, huge, red);
  CHECK(red_sum(a) == 36);
  Image none;
  draw_line(none, {0, 0}, {5, 5}, 1, red);
  fill_polygon(none, huge, red);
  draw_text(none, 0, 0, "x", red);
}

TEST_CASE("draw: text has the size it says, contours are the rim of the mask") {
  Image a(20, 40);
  draw_text(a, 3, 4, "Hg", white, 2);
  CHECK(text_width("Hg", 2) == 22);
  CHECK(text_height(2) == 18);
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 40; ++x)
      if (y < 3 || x < 4 || x >= 4 + 22) REQUIRE(pixel(a, y, x) == Rgb{});
  CHECK(pixel(a, 3, 4) == white);
  CHECK(pixel(a, 4, 5) == white);
  CHECK_THROWS_WITH(draw_text(a, 0, 0, "x", white, 0), Contains("draw_text: scale must be at least 1, got 0"));

  Image m(10, 10), f(10, 10);
  draw_contour(m, square(10, 10, 2, 3, 5), 1, red);
  fill_mask(f, square(10, 10, 2, 3, 5), red, 1);
  CHECK(red_sum(m) == 16);
  CHECK(red_sum(f) == 25);
  CHECK(pixel(m, 3, 2) == red);
  CHECK(pixel(m, 4, 3) == Rgb{});
}

TEST_CASE("draw_detections: class colours, labels inside the image and apart, errors") {
  const std::vector<std::string> names{"person", "car"};
  CHECK(class_colour(1) == class_colour(1, 0));
  CHECK_FALSE(class_colour(1) == class_colour(2));
  CHECK_FALSE(class_colour(1, 0) == class_colour(1, 1));

  Image a(80, 160);
  DrawOptions bare;
  bare.boxes = false;
  bare.labels = LabelStyle::none;
  bare.scale = bare.line = 1;
  const DrawnDetection d{{20, 30, 40, 50}, 2, 0.5f, square(80, 160, 20, 30, 20)};
  draw_detections(a, {d}, names, bare);
  CHECK(pixel(a, 30, 20) == class_colour(2));  // the contour is crisp
  const Rgb c = class_colour(2), inner = pixel(a, 40, 30);
  CHECK(inner.r == static_cast<int>(0.45 * c.r + 0.5));  // the rest is translucent
  CHECK(pixel(a, 29, 20) == Rgb{});
  CHECK(red_sum(a) > 0);

  // A label that does not fit above a box at the upper border goes elsewhere; two on the same box do not cover each other.
  Image b(60, 200), once(60, 200);
  DrawOptions only;
  only.boxes = only.masks = only.contours = false;
  only.scale = 1;
  const DrawnDetection top{{80, 0, 110, 50}, 1, 0.9f, {}};
  const std::vector<DrawnDetection> pair{top, top};
  draw_detections(once, {top}, names, only);
  draw_detections(b, pair, names, only);
  const auto labelled = [](const Image& i) {
    int n = 0;
    for (size_t k = 0; k < i.rgb.size(); k += 3) n += i.rgb[k] || i.rgb[k + 1] || i.rgb[k + 2];
    return n;
  };
  CHECK(labelled(once) > 300);
  CHECK(labelled(b) == 2 * labelled(once));

  Image tiny(5, 5), single(1, 1), none;  // smaller than any label
  for (Image* i : {&tiny, &single, &none}) {
    draw_detections(*i, pair, names);
    draw_detections(*i, {}, names);
  }
  CHECK(tiny.width == 5 * 8 * 8);  // enlarged, and enlarged again
  CHECK(none.rgb.empty());
  DrawnDetection wrong = top;
  wrong.label = 3;
  CHECK_THROWS_WITH(draw_detections(b, {wrong}, names), Contains("draw_detections: label must be from 1 to 2, got 3"));
  wrong = top;
  wrong.box.x2 = nan_value;
  CHECK_THROWS_WITH(draw_detections(b, {wrong}, names), Contains("draw_detections: box must be finite"));
}

TEST_CASE("draw: a contour is the mask's pixels with one outside it within its thickness") {
  Rng rng(3, "contour");
  for (int thickness = 1; thickness <= 4; ++thickness) {
    CroppedMask m{40, 50, 4, 6, Bitmap(30, 41)};
    for (uint8_t& v : m.bits.pixels) v = rng.uniform() < 0.985;
    Image drawn_image(40, 50);
    draw_contour(drawn_image, m, thickness, red);
    for (int y = 0; y < 30; ++y)
      for (int x = 0; x < 41; ++x) {
        bool rim = false;
        for (int j = -thickness; j <= thickness; ++j)
          for (int i = -thickness; i <= thickness; ++i)
            rim = rim || y + j < 0 || y + j >= 30 || x + i < 0 || x + i >= 41 || !m.bits.at(y + j, x + i);
        REQUIRE((pixel(drawn_image, y + 6, x + 4) == red) == (rim && m.bits.at(y, x)));
      }
  }
}

TEST_CASE("montage: pictures centred in a grid") {
  std::vector<Image> images{Image(4, 6), Image(2, 2), Image(4, 6)};
  for (Image& i : images) fill_rectangle(i, {0, 0, 6, 4}, red);
  const Image m = montage(images, 2, 1, {0, 0, 0});
  CHECK(m.height == 2 * 5 + 1);
  CHECK(m.width == 2 * 7 + 1);
  CHECK(red_sum(m) == 24 + 4 + 24);
  CHECK(pixel(m, 1, 1) == red);
  CHECK(pixel(m, 1, 8) == Rgb{});
  CHECK(pixel(m, 2, 10) == red);
  CHECK(montage({}, 3, 2).width == 2 * 1 + 0 + 2);
  CHECK_THROWS_WITH(montage(images, 0), Contains("montage: columns must be at least 1, got 0"));
}
