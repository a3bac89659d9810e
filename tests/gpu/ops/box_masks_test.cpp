#include "ops/boxes/mask_paste.h"
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

TEST_CASE("boxes: masks are pasted on the device as on the CPU, by both rules", "[gpu][boxes]") {
  if (!has_device()) return;
  constexpr int64_t D = 6;
  const std::vector<float> boxes = {1, 1, 5, 5,  3.2f, 2.7f, 20.5f, 11.1f, -10,  -4,   60,   40,
                                    8, 8, 8, 12, 100,  100,  120,   130,   7.5f, 7.5f, 8.1f, 8.2f};
  for (const int m : {2, 7})
    for (const int width : {32, 20, 23})
      for (const PasteRule rule : {PasteRule::accurate, PasteRule::torchvision}) {
        INFO(m << " " << width);
        constexpr int height = 13;
        Tensor masks = Tensor::empty({D, m, m}, DType::f32, Device{});
        Rng rng(static_cast<uint64_t>(m));
        for (float& v : masks.values<float>()) v = rng.uniform();
        masks.data<float>()[0] = 0.5f;
        std::vector<uint8_t> want;
        for (int64_t d = 0; d < D; ++d) {
          const float* b = boxes.data() + 4 * d;
          const CroppedMask k = paste_mask(masks.data<float>() + d * m * m, m, {b[0], b[1], b[2], b[3]}, height, width, rule);
          Bitmap whole(height, width);
          for (int y = 0; y < k.bits.height; ++y)
            for (int x = 0; x < k.bits.width; ++x) whole.at(k.y0 + y, k.x0 + x) = k.bits.at(y, x);
          want.insert(want.end(), whole.pixels.begin(), whole.pixels.end());
        }
        CHECK(under_every_order([&] {
                return values_of<uint8_t>(paste_masks(there(masks), tensor_of<float>({D, 4}, boxes), height, width, rule));
              }) == want);
      }
  CHECK(paste_masks(there(Tensor::empty({0, 7, 7})), there(Tensor::empty({0, 4})), 5, 5, PasteRule::accurate).numel() == 0);
}

}  // namespace mr::gpu
