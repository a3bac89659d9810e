// From pictures to what the network sees.
#include "data/transforms/input.h"

#include <algorithm>
#include <cmath>

#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/data/transform_samples.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

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
