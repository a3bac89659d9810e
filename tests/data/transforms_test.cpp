#include "data/transforms/transforms.h"

#include <algorithm>
#include <cmath>

#include "data/transforms/input.h"
#include "tensor/context.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// Numbers 1 … as grey levels.
Image numbered(int height, int width) {
  Image image(height, width);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i / 3 + 1);
  return image;
}

std::vector<int> greys(const Image& image) {
  std::vector<int> out;
  for (size_t i = 0; i < image.rgb.size(); i += 3) out.push_back(image.rgb[i]);
  return out;
}

Image noise(int height, int width, uint64_t key = 0) {
  Image image(height, width);
  Rng rng(1, "noise", key);
  for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(rng.next());
  return image;
}

// The whole image's mask from its crop.
Bitmap whole(const CroppedMask& m) {
  Bitmap b(m.image_height, m.image_width);
  for (int y = 0; y < m.bits.height; ++y)
    for (int x = 0; x < m.bits.width; ++x) b.at(y + m.y0, x + m.x0) = m.bits.at(y, x);
  return b;
}

// A sample whose masks are random blobs; mask k of the first eight is painted into bit k of the red channel, so that every exact change of the
// sample can be judged by comparing the two.
Sample painted(int height, int width, int count, uint64_t key) {
  Sample s;
  s.image = noise(height, width, key);
  for (size_t i = 0; i < s.image.rgb.size(); i += 3) s.image.rgb[i] = 0;
  Rng rng(2, "masks", key);
  for (int k = 0; k < count; ++k) {
    Instance i;
    i.id = k;
    i.label = 1;
    const int w = 1 + static_cast<int>(rng.below(static_cast<uint64_t>(width))),
              h = 1 + static_cast<int>(rng.below(static_cast<uint64_t>(height)));
    i.mask = {height, width, static_cast<int>(rng.below(static_cast<uint64_t>(width - w) + 1)),
              static_cast<int>(rng.below(static_cast<uint64_t>(height - h) + 1)), Bitmap(h, w)};
    for (uint8_t& v : i.mask.bits.pixels) v = rng.uniform() < 0.4f;
    i.mask.bits.pixels[0] = 1;
    i.box = extent(i.mask);
    i.area = static_cast<double>(count_pixels(i.mask));
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x)
        if (i.mask.bits.at(y, x)) *s.image.at(y + i.mask.y0, x + i.mask.x0) |= static_cast<uint8_t>(1 << k);
    s.instances.push_back(i);
  }
  return s;
}

bool masks_match_paint(const Sample& s) {
  for (const Instance& i : s.instances) {
    if (i.mask.image_height != s.image.height || i.mask.image_width != s.image.width) return false;
    const Bitmap b = whole(i.mask);
    for (int y = 0; y < s.image.height; ++y)
      for (int x = 0; x < s.image.width; ++x)
        if (b.at(y, x) != (*s.image.at(y, x) >> i.id & 1)) return false;
    if (!(i.box == extent(i.mask))) return false;
  }
  return true;
}

bool same(const Sample& a, const Sample& b) {
  if (a.image.height != b.image.height || a.image.width != b.image.width || a.image.rgb != b.image.rgb ||
      a.instances.size() != b.instances.size())
    return false;
  for (size_t k = 0; k < a.instances.size(); ++k) {
    const Instance &i = a.instances[k], &j = b.instances[k];
    if (!(i.box == j.box) || i.area != j.area || i.mask.x0 != j.mask.x0 || i.mask.y0 != j.mask.y0 ||
        i.mask.bits.pixels != j.mask.bits.pixels)
      return false;
  }
  return true;
}

// The formula, in f64: one value of a bilinear resize of channel c.
template <class At> double bilinear(const At& at, int in_h, int in_w, int out_h, int out_w, int y, int x) {
  const auto source = [](int j, int in, int out) { return std::max((j + 0.5) * in / out - 0.5, 0.0); };
  const double sy = source(y, in_h, out_h), sx = source(x, in_w, out_w);
  const int y0 = std::min(static_cast<int>(sy), in_h - 1), x0 = std::min(static_cast<int>(sx), in_w - 1);
  const int y1 = std::min(y0 + 1, in_h - 1), x1 = std::min(x0 + 1, in_w - 1);
  const double wy = std::min(sy - y0, 1.0), wx = std::min(sx - x0, 1.0);
  return (1 - wy) * ((1 - wx) * at(y0, x0) + wx * at(y0, x1)) + wy * ((1 - wx) * at(y1, x0) + wx * at(y1, x1));
}

}  // namespace

TEST_CASE("flips and quarter turns of a 2x3 picture, by hand", "[transforms]") {
  Sample s;
  s.image = numbered(2, 3);  // 1 2 3
  Instance i;                // 4 5 6
  i.box = {0, 0, 2, 1};      // the pixels 1, 2
  i.mask = {2, 3, 0, 0, Bitmap(1, 2)};
  i.mask.bits.pixels = {1, 1};
  s.instances = {i};
  Sample t = s;
  flip_horizontal(t);
  CHECK(greys(t.image) == std::vector<int>{3, 2, 1, 6, 5, 4});
  CHECK(t.instances[0].box == Box{1, 0, 3, 1});
  CHECK(t.instances[0].mask.x0 == 1);
  t = s;
  flip_vertical(t);
  CHECK(greys(t.image) == std::vector<int>{4, 5, 6, 1, 2, 3});
  CHECK(t.instances[0].box == Box{0, 1, 2, 2});
  t = s;
  rotate90(t, 1);
  CHECK(greys(t.image) == std::vector<int>{3, 6, 2, 5, 1, 4});
  CHECK(t.image.height == 3);
  CHECK(t.instances[0].box == Box{0, 1, 1, 3});
  t = s;
  rotate90(t, 2);
  CHECK(greys(t.image) == std::vector<int>{6, 5, 4, 3, 2, 1});
  t = s;
  rotate90(t, -1);
  CHECK(greys(t.image) == std::vector<int>{4, 1, 5, 2, 6, 3});
}

TEST_CASE("flips and turns move masks and boxes with the pixels", "[transforms]") {
  for (uint64_t key = 0; key < 20; ++key) {
    const Sample s = painted(5 + static_cast<int>(key % 7), 9 - static_cast<int>(key % 5), 5, key);
    REQUIRE(masks_match_paint(s));
    for (int k = 0; k < 4; ++k) {
      Sample t = s;
      rotate90(t, k);
      CHECK(masks_match_paint(t));
      rotate90(t, 4 - k);
      CHECK(same(s, t));
    }
    Sample t = s;
    flip_horizontal(t);
    CHECK(masks_match_paint(t));
    flip_vertical(t);
    CHECK(masks_match_paint(t));
    rotate90(t, 2);
    CHECK(same(s, t));
  }
}

TEST_CASE("a crop at its own scale moves masks with the pixels, and its boxes are what is left of them", "[transforms]") {
  Rng rng(3, "windows");
  for (uint64_t key = 0; key < 40; ++key) {
    const Sample s = painted(12, 15, 6, key);
    Window w;
    w.height = 1 + static_cast<int>(rng.below(12));
    w.width = 1 + static_cast<int>(rng.below(15));
    w.y = static_cast<int>(rng.below(static_cast<uint64_t>(12 - w.height) + 1));
    w.x = static_cast<int>(rng.below(static_cast<uint64_t>(15 - w.width) + 1));
    Sample t = s;
    crop(t, w, w.height, w.width, 3);
    CHECK(masks_match_paint(t));
    size_t kept = 0;
    for (const Instance& i : s.instances) {
      int64_t left = 0;
      for (int y = w.y; y < w.y + w.height; ++y)
        for (int x = w.x; x < w.x + w.width; ++x) left += whole(i.mask).at(y, x);
      if (left < 3) continue;
      REQUIRE(kept < t.instances.size());
      CHECK(t.instances[kept].id == i.id);
      CHECK(t.instances[kept].area == static_cast<double>(left));
      ++kept;
    }
    CHECK(kept == t.instances.size());
  }
}

TEST_CASE("a resized mask takes its nearest pixels", "[transforms]") {
  Rng rng(4, "resize");
  for (uint64_t key = 0; key < 60; ++key) {
    const int in_h = 1 + static_cast<int>(rng.below(20)), in_w = 1 + static_cast<int>(rng.below(20));
    const int out_h = 1 + static_cast<int>(rng.below(30)), out_w = 1 + static_cast<int>(rng.below(30));
    const Sample s = painted(in_h, in_w, 3, key);
    for (const Instance& i : s.instances) {
      const Bitmap b = whole(i.mask), r = whole(cropped(i.mask, {0, 0, in_h, in_w}, out_h, out_w));
      int wrong = 0;
      for (int y = 0; y < out_h; ++y)
        for (int x = 0; x < out_w; ++x) {
          const int sy = static_cast<int>(std::floor((y + 0.5) * in_h / out_h)),
                    sx = static_cast<int>(std::floor((x + 0.5) * in_w / out_w));
          wrong += r.at(y, x) != b.at(sy, sx);
        }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("resizing scales boxes and areas", "[transforms]") {
  Sample s;
  s.image = numbered(4, 8);
  Instance i;
  i.box = {1, 1, 3, 2};
  i.area = 2;
  i.mask = {4, 8, 1, 1, Bitmap(1, 2)};
  i.mask.bits.pixels = {1, 1};
  s.instances = {i};
  resize(s, 6, 16);
  CHECK(s.instances[0].box == Box{2, 1.5f, 6, 3});
  CHECK(s.instances[0].area == 6);
  CHECK(s.instances[0].mask.image_width == 16);
}

TEST_CASE("instances without a mask get their box cut by a crop", "[transforms]") {
  Sample s;
  s.image = numbered(10, 10);
  for (const Box box : {Box{2, 2, 8, 6}, Box{0, 0, 3, 3}, Box{7, 7, 9, 9}}) {
    Instance i;
    i.box = box;
    i.mask = {10, 10, 0, 0, {}};
    s.instances.push_back(i);
  }
  crop(s, {2, 2, 5, 5}, 10, 10, 8);
  REQUIRE(s.instances.size() == 1);  // the second keeps 1 px × 4, the third nothing
  CHECK(s.instances[0].box == Box{0, 0, 10, 8});
  CHECK(s.instances[0].area == 80);
}

TEST_CASE("bilinear resize of bytes and floats follows the formula", "[transforms]") {
  Rng rng(5, "bilinear");
  for (uint64_t key = 0; key < 12; ++key) {
    const int in_h = 1 + static_cast<int>(rng.below(40)), in_w = 1 + static_cast<int>(rng.below(40));
    const int out_h = 1 + static_cast<int>(rng.below(60)), out_w = 1 + static_cast<int>(rng.below(60));
    const Image image = noise(in_h, in_w, key), out = resized(image, out_h, out_w);
    Tensor x = Tensor::empty({in_h, in_w, 3});
    for (size_t k = 0; k < image.rgb.size(); ++k) x.data<float>()[k] = image.rgb[k];
    const Tensor y = resize_bilinear(x, out_h, out_w);
    double worst = 0, worst_float = 0;
    for (int h = 0; h < out_h; ++h)
      for (int w = 0; w < out_w; ++w)
        for (int c = 0; c < 3; ++c) {
          const double expected = bilinear([&](int sy, int sx) { return image.at(sy, sx)[c]; }, in_h, in_w, out_h, out_w, h, w);
          worst = std::max(worst, std::abs(out.at(h, w)[c] - expected));
          worst_float = std::max(worst_float, std::abs(y.at((h * out_w + w) * 3 + c) - expected));
        }
    CHECK(worst <= 1.5);         // weights of 8 bits, then a rounding
    CHECK(worst_float <= 2e-3);  // of 255
  }
  CHECK(greys(resized(numbered(1, 2), 1, 4)) == std::vector<int>{1, 1, 2, 2});
  const Image image = noise(7, 5);
  CHECK(resized(image, 7, 5).rgb == image.rgb);
}

TEST_CASE("the resized extent is torchvision's", "[transforms]") {
  // From torchvision 0.29.
  CHECK(resized_extent(480, 640, 800, 1333) == PixelSize{800, 1066});
  CHECK(resized_extent(640, 480, 800, 1333) == PixelSize{1066, 800});
  CHECK(resized_extent(300, 1000, 800, 1333) == PixelSize{399, 1333});
  CHECK(resized_extent(427, 640, 800, 1333) == PixelSize{800, 1199});
  CHECK(resized_extent(500, 333, 800, 1333) == PixelSize{1201, 800});
  CHECK(resized_extent(1024, 2048, 800, 1333) == PixelSize{666, 1333});
  CHECK(resized_extent(33, 57, 800, 1333) == PixelSize{771, 1333});
  CHECK(resized_extent(801, 1333, 800, 1333) == PixelSize{800, 1331});
  CHECK(resized_extent(1, 5000, 800, 1333).height == 1);
}

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

TEST_CASE("pictures become normalised, padded tensors", "[input]") {
  const Image a = noise(33, 20, 1), b = noise(10, 64, 2);
  const Image* both[] = {&a, &b};
  Preprocess p;
  const ImageBatch batch = images_to_tensor(both, p);
  CHECK(batch.images.shape() == Shape{2, 64, 64, 3});
  CHECK(batch.sizes == std::vector<PixelSize>{{33, 20}, {10, 64}});
  int wrong = 0;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t y = 0; y < 64; ++y)
      for (int64_t x = 0; x < 64; ++x)
        for (int64_t c = 0; c < 3; ++c) {
          const Image& image = *both[n];
          const bool inside = y < image.height && x < image.width;
          const double mean[] = {0.485, 0.456, 0.406}, sd[] = {0.229, 0.224, 0.225};
          const double expected = inside ? (image.at(static_cast<int>(y), static_cast<int>(x))[c] / 255.0 - mean[c]) / sd[c] : 0;
          wrong += std::abs(batch.images.at(((n * 64 + y) * 64 + x) * 3 + c) - expected) > 1e-6;
        }
  CHECK(wrong == 0);

  p.bgr = true;
  p.unit = false;
  p.mean = {103.53, 116.28, 123.675};
  p.std = {1, 2, 4};
  const Image* one[] = {&a};
  const Tensor t = images_to_tensor(one, p).images;
  CHECK(t.at(0) == Approx(a.rgb[2] - 103.53));
  CHECK(t.at(1) == Approx((a.rgb[1] - 116.28) / 2));
  CHECK(t.at(2) == Approx((a.rgb[0] - 123.675) / 4));
}

TEST_CASE("the prediction resize equals its three steps, on any number of threads", "[input]") {
  const Image a = noise(48, 64, 1), b = noise(90, 31, 2);
  const Image* both[] = {&a, &b};
  Preprocess p;
  p.min_side = 80;
  p.max_side = 133;
  std::vector<Tensor> steps;
  for (const Image* image : both) {
    const PixelSize size = resized_extent(image->height, image->width, 80, 133);
    steps.push_back(resize_bilinear(normalised(*image, p), size.height, size.width));
  }
  const ImageBatch expected = pad_and_stack(steps, 32);
  for (const int threads : {1, 2, 3}) {
    const ContextGuard guard;
    context().threads = threads;
    const ImageBatch batch = resize_to_tensor(both, p);
    REQUIRE(batch.images.shape() == expected.images.shape());
    CHECK(batch.sizes == expected.sizes);
    CHECK(std::equal(batch.images.values<float>().begin(), batch.images.values<float>().end(), expected.images.values<float>().begin()));
  }
}

TEST_CASE("prediction at native size, or enlarged", "[input]") {
  const Image a = noise(33, 47, 1);
  const Image* one[] = {&a};
  Preprocess p;
  p.min_side = 0;
  CHECK(resize_to_tensor(one, p).sizes[0] == PixelSize{33, 47});
  p.enlarge = 1.5;
  const ImageBatch batch = resize_to_tensor(one, p);
  CHECK(batch.sizes[0] == PixelSize{49, 70});
  CHECK(images_to_tensor(one, p).sizes[0] == PixelSize{33, 47});  // training: the augmentation sets the size
  p.enlarge = 0;
  CHECK_THROWS_WITH(p.validate(), Contains("enlarge must be above 0"));
}

TEST_CASE("the prediction resize equals torchvision's GeneralizedRCNNTransform", "[input]") {
  Image image(427, 640);
  for (int y = 0; y < 427; ++y)
    for (int x = 0; x < 640; ++x)
      for (int c = 0; c < 3; ++c) image.at(y, x)[c] = static_cast<uint8_t>(y * y * 3 + x * 7 + c * 85 + x * y);
  const Image* one[] = {&image};
  const ImageBatch batch = resize_to_tensor(one, {});
  REQUIRE(batch.images.shape() == Shape{1, 800, 1216, 3});
  const auto at = [&](int64_t y, int64_t x, int64_t c) { return batch.images.at((y * 1216 + x) * 3 + c); };
  // torch 2.15, torchvision 0.29
  CHECK(std::abs(at(0, 0, 0) - -2.1179039478302) < 1e-5);
  CHECK(std::abs(at(1, 2, 1) - -0.4251776933670044) < 1e-5);
  CHECK(std::abs(at(399, 600, 2) - -0.5785413980484009) < 1e-5);
  CHECK(std::abs(at(777, 1101, 0) - 1.0785053968429565) < 1e-5);
  CHECK(std::abs(at(650, 1197, 2) - 0.5800501108169556) < 1e-5);
  CHECK(std::abs(at(799, 1198, 1) - 1.605742335319519) < 1e-5);
  CHECK(at(799, 1199, 0) == 0);
}

TEST_CASE("input errors say what was expected", "[input]") {
  const Image empty;
  const Image* none[] = {&empty};
  CHECK_THROWS_WITH(images_to_tensor(none, {}), Contains("expected an image, got 0×0"));
  CHECK_THROWS_WITH(images_to_tensor(std::span<const Image* const>(), {}), Contains("at least one image"));
  Preprocess p;
  p.std = {1, 1};
  CHECK_THROWS_WITH(p.validate(), Contains("3 means and 3 stds, got 3 and 2"));
  p.std = {1, 0, 1};
  CHECK_THROWS_WITH(p.validate(), Contains("positive stds"));
  CHECK_THROWS_WITH(resize_bilinear(Tensor::zeros({4}), 2, 2), Contains("[H,W,C] f32, got [4]"));
}

TEST_CASE("what a network sees of a picture, and what of it can be spared", "[transforms]") {
  Preprocess p;
  CHECK(predicted_size(600, 900, p) == PixelSize{800, 1200});
  CHECK(spare_reduction(600, 900, p) == 1);
  CHECK(predicted_size(13000, 13000, p) == PixelSize{800, 800});
  CHECK(spare_reduction(13000, 13000, p) == 16);
  CHECK(spare_reduction(8000, 40000, p) == 30);  // 266 × 1333
  p.min_side = 0;
  CHECK(spare_reduction(13000, 13000, p) == 1);
  p.enlarge = 0.25;
  CHECK(spare_reduction(13000, 13000, p) == 4);
}
