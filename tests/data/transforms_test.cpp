// Flips, turns, crops and resizes of samples.
#include "data/transforms/transforms.h"

#include <algorithm>
#include <cmath>

#include "data/transforms/input.h"
#include "tests/catch.h"
#include "tests/data/transform_samples.h"

using namespace mr;
using namespace mr::test;

namespace {

std::vector<int> greys(const Image& image) {
  std::vector<int> out;
  for (size_t i = 0; i < image.rgb.size(); i += 3) out.push_back(image.rgb[i]);
  return out;
}

// The whole image's mask from its crop.
Bitmap whole(const CroppedMask& m) {
  Bitmap b(m.image_height, m.image_width);
  for (int y = 0; y < m.bits.height; ++y)
    for (int x = 0; x < m.bits.width; ++x) b.at(y + m.y0, x + m.x0) = m.bits.at(y, x);
  return b;
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
