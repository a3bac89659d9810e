#include "ops/boxes/mask_target.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/ops/box_golden.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

CroppedMask whole(const uint8_t* bits, int h, int w) {
  CroppedMask m{h, w, 0, 0, Bitmap(h, w)};
  for (size_t i = 0; i < m.bits.pixels.size(); ++i) m.bits.pixels[i] = bits[i];
  return m;
}

// The same mask, cut to the pixels that are on (plus a margin of zeros on two sides).
CroppedMask cropped(const CroppedMask& m, int margin) {
  int x0 = m.image_width, y0 = m.image_height, x1 = 0, y1 = 0;
  for (int y = 0; y < m.image_height; ++y)
    for (int x = 0; x < m.image_width; ++x)
      if (m.bits.at(y, x)) {
        x0 = std::min(x0, x);
        y0 = std::min(y0, y);
        x1 = std::max(x1, x + 1);
        y1 = std::max(y1, y + 1);
      }
  x0 = std::max(x0 - margin, 0);
  y0 = std::max(y0 - margin, 0);
  CroppedMask c{m.image_height, m.image_width, x0, y0, Bitmap(y1 - y0, x1 - x0)};
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) c.bits.at(y - y0, x - x0) = m.bits.at(y, x);
  return c;
}

std::vector<CroppedMask> golden_masks() {
  const Tensor bits = box_golden()["masks.bits"];
  std::vector<CroppedMask> masks;
  for (int64_t i = 0; i < bits.size(0); ++i)
    masks.push_back(
        whole(bits.data<uint8_t>() + i * bits.size(1) * bits.size(2), static_cast<int>(bits.size(1)), static_cast<int>(bits.size(2))));
  return masks;
}

// Of boxes [R,4] of one image, each with one of its objects.
Tensor targets_of(const std::vector<CroppedMask>& objects, const std::vector<int32_t>& which, const Tensor& boxes, int m, MaskRule rule) {
  const int64_t R = boxes.size(0);
  const Tensor rois = Tensor::zeros({R, 5});
  for (int64_t r = 0; r < R; ++r) std::copy_n(boxes.data<float>() + 4 * r, 4, rois.data<float>() + 5 * r + 1);
  return mask_targets(mask_table({objects}, static_cast<int64_t>(objects.size())), rois, Tensor::of<int32_t>({R}, which), m, rule);
}

std::vector<int32_t> golden_choice() {
  const auto which = box_golden()["masks.which"].values<int32_t>();
  return {which.begin(), which.end()};
}

}  // namespace

TEST_CASE("mask_targets: a box of whole pixels, one bin a pixel", "[mask_target]") {
  // aligned: the bins' centres are the pixels' centres, so the target is the mask itself.
  const uint8_t bits[] = {0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1};
  const CroppedMask m = whole(bits, 4, 4);
  const Tensor t = targets_of({m}, {0}, Tensor::of<float>({1, 4}, {0, 0, 4, 4}), 4, MaskRule::thresholded);
  REQUIRE(t.shape() == Shape{1, 4, 4});
  for (int i = 0; i < 16; ++i) CHECK(t.at(i) == bits[i]);
  // torchvision: half a pixel to the right and down; the last row and column are repeated beyond the border.
  const Tensor soft = targets_of({m}, {0}, Tensor::of<float>({1, 4}, {0, 0, 4, 4}), 4, MaskRule::torchvision);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x) {
      const int y1 = std::min(y + 1, 3), x1 = std::min(x + 1, 3);
      CHECK(soft.at(y * 4 + x) == Approx((bits[y * 4 + x] + bits[y * 4 + x1] + bits[y1 * 4 + x] + bits[y1 * 4 + x1]) / 4.0));
    }
}

TEST_CASE("mask_targets: half of a bin is enough", "[mask_target]") {
  const uint8_t left[] = {1, 0, 1, 0}, corner[] = {1, 0, 0, 0};
  const CroppedMask half = whole(left, 2, 2), quarter = whole(corner, 2, 2);
  const Tensor boxes = Tensor::of<float>({2, 4}, {0, 0, 2, 2, 0, 0, 2, 2});
  const Tensor t = targets_of({half, quarter}, {0, 1}, boxes, 1, MaskRule::thresholded);
  CHECK(t.at(0) == 1);
  CHECK(t.at(1) == 0);
}

TEST_CASE("mask_targets: as torchvision's, and as its RoIAlign with aligned 1, thresholded", "[mask_target]") {
  const std::vector<CroppedMask> masks = golden_masks();
  const Tensor rois = box_golden()["masks.rois"], soft = box_golden()["masks.soft"], aligned = box_golden()["masks.aligned"];
  const Tensor a = targets_of(masks, golden_choice(), rois, 7, MaskRule::torchvision),
               b = targets_of(masks, golden_choice(), rois, 7, MaskRule::thresholded);
  int on = 0;
  for (int64_t i = 0; i < soft.numel(); ++i) {
    CHECK(a.at(i) == Approx(soft.at(i)).margin(1e-6));
    if (std::abs(aligned.at(i) - 0.5) > 1e-6) CHECK(b.at(i) == (aligned.at(i) >= 0.5 ? 1 : 0));
    on += b.at(i) == 1;
  }
  CHECK(on > 100);
}

TEST_CASE("mask_targets: a cropped mask answers as the whole one, also at the image's border", "[mask_target]") {
  const std::vector<CroppedMask> masks = golden_masks();
  for (const int margin : {0, 2}) {
    std::vector<CroppedMask> cut;
    for (const CroppedMask& m : masks) cut.push_back(cropped(m, margin));
    for (const MaskRule rule : {MaskRule::torchvision, MaskRule::thresholded}) {
      const Tensor a = targets_of(masks, golden_choice(), box_golden()["masks.rois"], 14, rule),
                   b = targets_of(cut, golden_choice(), box_golden()["masks.rois"], 14, rule);
      for (int64_t i = 0; i < a.numel(); ++i) CHECK(a.at(i) == b.at(i));
    }
  }
}

TEST_CASE("mask_targets: each row from its own image, none for a row without an object", "[mask_target]") {
  const std::vector<CroppedMask> masks = golden_masks();
  const std::vector<CroppedMask> first = {masks[0], masks[1]}, second = {masks[2]};
  const Tensor rois = Tensor::of<float>({3, 5}, {1, 2, 2, 12, 12, 0, 1, 1, 10, 9, 0, 2, 2, 12, 12});
  const Tensor t = mask_targets(mask_table({first, second}, 2), rois, Tensor::of<int32_t>({3}, {0, 1, -1}), 5, MaskRule::torchvision);
  const Tensor a = targets_of({masks[2]}, {0}, Tensor::of<float>({1, 4}, {2, 2, 12, 12}), 5, MaskRule::torchvision),
               b = targets_of({masks[1]}, {0}, Tensor::of<float>({1, 4}, {1, 1, 10, 9}), 5, MaskRule::torchvision);
  for (int64_t i = 0; i < 25; ++i) {
    CHECK(t.at(i) == a.at(i));
    CHECK(t.at(25 + i) == b.at(i));
    CHECK(t.at(50 + i) == 0);
  }
}

TEST_CASE("mask_targets: no boxes, an empty mask, errors", "[mask_target]") {
  CHECK(targets_of({}, {}, Tensor::empty({0, 4}), 28, MaskRule::torchvision).shape() == Shape{0, 28, 28});
  const CroppedMask empty{10, 10, 0, 0, Bitmap()};
  const Tensor box = Tensor::of<float>({1, 4}, {1, 1, 9, 9});
  const Tensor t = targets_of({empty}, {0}, box, 3, MaskRule::thresholded);
  for (int i = 0; i < 9; ++i) CHECK(t.at(i) == 0);
  CHECK_THROWS_WITH(targets_of({}, {0}, box, 28, MaskRule::torchvision),
                    Contains("mask_targets: box 0 wants object 0 of image 0; there are 0 of 1 images"));
  CHECK_THROWS_WITH(targets_of({empty}, {0}, box, 0, MaskRule::torchvision), Contains("m must be 1"));
  CHECK_THROWS_WITH(targets_of({empty}, {0}, Tensor::of<float>({1, 4}, {0, 0, std::nanf(""), 1}), 2, MaskRule::torchvision),
                    Contains("finite"));
  const CroppedMask sticks_out{10, 10, 5, 5, Bitmap(6, 2)};
  CHECK_THROWS_WITH(targets_of({empty, sticks_out}, {0}, box, 2, MaskRule::torchvision),
                    Contains("bits must lie inside the image, got 6×2 at (5, 5) of 10×10 for object 1 of image 0"));
  CHECK_THROWS_WITH(mask_table({std::span(&empty, 1)}, 0), Contains("mask_table: room for 0 objects an image, got 1"));
}
