// Colours, and what is drawn for a sample of training.
#include <algorithm>
#include <cmath>

#include "data/transforms/transforms.h"
#include "tests/catch.h"
#include "tests/data/transform_samples.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

TEST_CASE("colours", "[transforms]") {
  const Image image = noise(20, 20);
  const auto changed = [&](ColourChange change) {
    Image out = image;
    change_colours(out, change);
    return out;
  };
  CHECK(changed({}).rgb == image.rgb);
  const auto worst = [&](const Image& out, auto expected) {
    double mean = 0;
    for (size_t i = 0; i < image.rgb.size(); i += 3) mean += 0.299 * image.rgb[i] + 0.587 * image.rgb[i + 1] + 0.114 * image.rgb[i + 2];
    mean /= static_cast<double>(image.rgb.size() / 3);
    double w = 0;
    for (size_t i = 0; i < image.rgb.size(); ++i) {
      const size_t p = i / 3 * 3;
      const double grey = 0.299 * image.rgb[p] + 0.587 * image.rgb[p + 1] + 0.114 * image.rgb[p + 2];
      w = std::max(w, std::abs(out.rgb[i] - std::clamp<double>(expected(image.rgb[i], grey, mean), 0, 255)));
    }
    return w;
  };
  CHECK(worst(changed({.brightness = 1.3}), [](double v, double, double) { return 1.3 * v; }) <= 0.501);
  CHECK(worst(changed({.contrast = 0.6}), [](double v, double, double mean) { return 0.6 * v + 0.4 * mean; }) <= 0.501);
  CHECK(worst(changed({.saturation = 0}), [](double, double grey, double) { return grey; }) <= 0.501);
  CHECK(worst(changed({.brightness = 0.8, .contrast = 1.2, .saturation = 0.5}), [](double v, double grey, double mean) {
          return 0.5 * (1.2 * 0.8 * v - 0.2 * 0.8 * mean) + 0.5 * (1.2 * 0.8 * grey - 0.2 * 0.8 * mean);
        }) <= 0.501);
  CHECK(worst(changed({.hue = 1}), [](double v, double, double) { return v; }) <= 0.501);
  Image grey = numbered(9, 9), turned = grey;
  change_colours(turned, {.saturation = 1.5, .hue = 0.3});
  CHECK(turned.rgb == grey.rgb);
  Image red(1, 1);
  red.rgb = {200, 100, 100};
  change_colours(red, {.hue = 0.5});  // the opposite colour, of the same grey: 129.9
  CHECK(std::abs(red.rgb[0] - (2 * 129.9 - 200)) <= 1);
  CHECK(std::abs(red.rgb[1] - (2 * 129.9 - 100)) <= 1);
  Image inverted = image;
  invert(inverted);
  CHECK(inverted.rgb[5] == 255 - image.rgb[5]);
  CHECK_THROWS_WITH(changed({.brightness = -1}), Contains("factors of at least 0, got -1"));
}

TEST_CASE("augmentation is a pure function of its key, and switching one change leaves the others' draws alone", "[transforms]") {
  TransformOptions o;
  o.crop_size = 16;
  o.scale_min = 0.75;
  o.scale_max = 1.5;
  o.rotate90 = true;
  o.invert = 0.3;
  o.brightness = 0.3;
  o.validate();
  int differ = 0;
  for (uint64_t sample = 0; sample < 20; ++sample) {
    const Sample s = painted(40, 30, 6, sample);
    Sample a = s, b = s, c = s;
    augment(a, o, 1, 2, sample);
    augment(b, o, 1, 2, sample);
    augment(c, o, 1, 3, sample);
    CHECK(same(a, b));
    CHECK(a.image.height == 16);
    CHECK(a.image.width == 16);
    CHECK(!a.instances.empty());
    for (const Instance& i : a.instances) {
      CHECK(i.box == extent(i.mask));
      CHECK(i.area >= 8);
    }
    differ += !same(a, c);
    TransformOptions other = o;
    other.hue = 0.2;
    other.invert = 0;
    const TransformDraw d = draw(o, 1, 2, sample), e = draw(other, 1, 2, sample);
    CHECK(d.flip_horizontal == e.flip_horizontal);
    CHECK(d.scale == e.scale);
    CHECK(d.quarter_turns == e.quarter_turns);
    CHECK(d.colours.brightness == e.colours.brightness);
  }
  CHECK(differ >= 19);
}

TEST_CASE("augmentation without crops resizes to one of the sides", "[transforms]") {
  TransformOptions o;
  o.min_sides = {20, 24, 28};
  o.max_side = 40;
  std::vector<int> seen(41);
  for (uint64_t sample = 0; sample < 60; ++sample) {
    Sample s = painted(30, 40, 1, 0);
    augment(s, o, 5, 0, sample);
    ++seen[static_cast<size_t>(s.image.height)];
    CHECK(s.image.width <= 40);
  }
  CHECK(seen[20] > 8);
  CHECK(seen[24] > 8);
  CHECK(seen[20] + seen[24] + seen[28] == 60);
  o.min_sides = {};
  Sample s = painted(30, 40, 1, 0);
  augment(s, o, 5, 0, 0);
  CHECK(s.image.height == 30);
}

TEST_CASE("an image smaller than the crop is enlarged, one without instances is cropped all the same", "[transforms]") {
  TransformOptions o;
  o.crop_size = 32;
  Sample s = painted(9, 20, 2, 1);
  augment(s, o, 1, 0, 0);
  CHECK(s.image.height == 32);
  Sample empty;
  empty.image = noise(50, 50);
  augment(empty, o, 1, 0, 0);
  CHECK(empty.image.width == 32);
  CHECK(empty.instances.empty());
}

TEST_CASE("transform errors say what was expected", "[transforms]") {
  Sample s = painted(5, 5, 1, 0);
  CHECK_THROWS_WITH(resize(s, 0, 5), Contains("resize: expected a size of at least 1×1, got 5×0"));
  CHECK_THROWS_WITH(crop(s, {0, 3, 2, 3}, 2, 2), Contains("crop: expected a window inside 5×5, got 3×2 at (3, 0)"));
  CHECK_THROWS_WITH(resized_extent(5, 5, 0, 1), Contains("got 5×5 to 0, 1"));
  const auto with = [](auto change) {
    TransformOptions o;
    change(o);
    o.validate();
  };
  CHECK_THROWS_WITH(with([](TransformOptions& o) { o.invert = 1.5; }), Contains("invert must be in [0, 1], got 1.5"));
  CHECK_THROWS_WITH(with([](TransformOptions& o) { o.flip_horizontal = std::nan(""); }), Contains("flip_horizontal must be in [0, 1]"));
  CHECK_THROWS_WITH(with([](TransformOptions& o) { o.scale_min = 2; }), Contains("scale_min <= scale_max"));
  CHECK_THROWS_WITH(with([](TransformOptions& o) { o.min_sides = {0}; }), Contains("min_sides must be in [1, 65536], got 0"));
  Sample none;
  CHECK_THROWS_WITH(augment(none, {}, 1, 0, 0), Contains("expected an image, got 0×0"));
}
