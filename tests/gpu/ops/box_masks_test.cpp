#include "ops/boxes/mask_target.h"
#include "tests/gpu/ops/boxes.h"

namespace mr::gpu {
namespace {

// A disc in the crop (x0, y0, width, height) of an image.
CroppedMask disc(int image_h, int image_w, int x0, int y0, int width, int height) {
  CroppedMask m{image_h, image_w, x0, y0, Bitmap(height, width)};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const float u = (static_cast<float>(x) + 0.5f) / static_cast<float>(width) - 0.5f,
                  v = (static_cast<float>(y) + 0.5f) / static_cast<float>(height) - 0.5f;
      m.bits.at(y, x) = u * u + v * v < 0.2f;
    }
  return m;
}

}  // namespace

TEST_CASE("boxes: mask targets have the CPU's bits on the device", "[gpu][boxes]") {
  if (!has_device()) return;
  reset_stats();
  const std::vector<std::vector<CroppedMask>> masks = {{disc(60, 80, 10, 5, 40, 30), disc(60, 80, 0, 0, 80, 60)},
                                                       {disc(50, 50, 49, 20, 1, 9)}};
  constexpr int64_t N = 2, S = 8;
  const std::vector<int32_t> gt = {0, 0, 1, -1, 0, 1, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0};
  // inside; fractions; the whole image and beyond it; none; no area; upside down; far outside; one pixel
  const std::vector<float> boxes = {12, 6,  40, 30, 9.3f,  4.7f,  51.2f, 36.9f, -20, -30, 120,   90,  0,    0,    0,   0,
                                    20, 20, 20, 20, 30,    30,    20,    20,    300, 300, 340,   350, 5,    5,    6,   6,
                                    45, 18, 50, 30, 48.5f, 20.2f, 49.9f, 22.7f, 0,   0,   5,     5,   0,    0,    50,  50,
                                    49, 20, 50, 29, 0,     -5.5f, 49,    70.3f, 10,  10,  11.5f, 60,  -300, -300, 300, 300};
  std::vector<float> rois;
  for (int64_t r = 0; r < N * S; ++r) {
    rois.push_back(static_cast<float>(r / S));
    for (int64_t i = 0; i < 4; ++i) rois.push_back(boxes[static_cast<size_t>(4 * r + i)]);
  }
  const std::vector<std::span<const CroppedMask>> all = {masks[0], masks[1]};
  const MaskTable table = mask_table(all, 3, gpu_device()), table_here = mask_table(all, 3);
  const Tensor rois_here = Tensor::of<float>({N * S, 5}, rois), objects = Tensor::of<int32_t>({N * S}, gt);
  for (const MaskRule rule : {MaskRule::torchvision, MaskRule::thresholded})
    for (const int m : {1, 14}) {
      INFO(m);
      check_same(under_every_order([&] { return values_of<float>(mr::mask_targets(table, there(rois_here), there(objects), m, rule)); }),
                 mr::mask_targets(table_here, rois_here, objects, m, rule));
    }
  few_bank_conflicts("mask_targets", 0.25);  // bins may have any width
}

}  // namespace mr::gpu
