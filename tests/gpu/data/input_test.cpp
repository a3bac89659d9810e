// The network's input, made on the device from the bytes of pictures, has the CPU's bits.
#include "data/transforms/input.h"

#include <algorithm>
#include <cstring>

#include "data/transforms/transforms.h"
#include "tests/gpu/device.h"

namespace mr::gpu {
namespace {

Image noise(int height, int width, uint64_t seed) {
  Rng rng(seed, "noise");
  Image image(height, width);
  for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(rng.below(256));
  return image;
}

void check_same_batch(const ImageBatch& got, const ImageBatch& want) {
  CHECK(got.sizes == want.sizes);
  REQUIRE(got.images.shape() == want.images.shape());
  const Tensor here = got.images.to(Device{});
  CHECK(std::memcmp(here.raw(), want.images.raw(), here.bytes()) == 0);
}

}  // namespace

TEST_CASE("training images are resized, turned, flipped and coloured on the device as on the CPU", "[gpu][data]") {
  if (!has_device()) return;
  TransformOptions o;
  o.min_sides = {20, 40, 65};
  o.max_side = 90;
  o.flip_vertical = o.invert = 0.5;
  o.rotate90 = true;
  o.brightness = o.contrast = o.saturation = 0.4;
  o.hue = 0.1;
  TransformOptions crops = o;
  crops.crop_size = 48;
  crops.scale_min = 0.5;
  crops.scale_max = 2;
  TransformOptions contrast_only;
  contrast_only.min_sides = {};
  contrast_only.contrast = 0.9;
  TransformOptions none;
  none.min_sides = {};
  none.flip_horizontal = 0;
  Preprocess bgr;
  bgr.bgr = true;
  bgr.unit = false;
  bgr.mean = {103.53, 116.28, 123.675};
  bgr.std = {1, 2, 4};
  uint64_t epoch = 0;
  for (const TransformOptions& options : {o, o, o, o, crops, crops, contrast_only, none}) {
    INFO("epoch " << ++epoch);
    std::vector<InputSample> here(3), there(3);
    for (size_t i = 0; i < 3; ++i) {
      here[i].image = there[i].image = noise(37 + 20 * static_cast<int>(i), 64 - 9 * static_cast<int>(i), i);
      Instance object;
      object.label = 1;
      object.box = {4, 3, 20, 31};
      here[i].instances = there[i].instances = {object};
      augment(here[i], options, 1, epoch, i);
      there[i].pending = augment_objects(there[i], options, 1, epoch, i);
      if (i != 1) {
        stage_image(there[i], gpu_device());
        std::ranges::fill(there[i].image.rgb, uint8_t{9});  // it is the staged bytes that count
      }
      REQUIRE(here[i].instances.size() == there[i].instances.size());
      if (!here[i].instances.empty()) CHECK(here[i].instances[0].box.x1 == there[i].instances[0].box.x1);
    }
    const Preprocess p = epoch % 2 == 0 ? bgr : Preprocess();
    check_same_batch(images_to_tensor(there, p, gpu_device()), images_to_tensor(here, p));
    const int64_t before = host_waits();
    images_to_tensor(there, p, gpu_device());
    CHECK(host_waits() == before);
    CHECK_THROWS_WITH(images_to_tensor(there, p), Catch::Contains("expected one that was changed as its objects were"));
  }
}

TEST_CASE("pictures to predict are normalised and resized on the device as on the CPU", "[gpu][data]") {
  if (!has_device()) return;
  const Image a = noise(48, 64, 1), b = noise(90, 31, 2);
  const Image* both[] = {&a, &b};
  Preprocess p;
  for (const int64_t side : {0, 20, 80}) {
    p.min_side = side;
    p.max_side = 133;
    check_same_batch(resize_to_tensor(both, p, gpu_device()), resize_to_tensor(both, p));
  }
  const int64_t before = host_waits();
  resize_to_tensor(both, p, gpu_device());
  CHECK(host_waits() == before);
  CHECK_THROWS_WITH(resize_to_tensor(std::span<const Image* const>(), p, gpu_device()), Catch::Contains("at least one image"));
}

}  // namespace mr::gpu
