#include "ops/boxes/mask_paste.h"

#include <cmath>
#include <limits>

#include "base/check.h"
#include "tensor/rng.h"
#include "tests/catch.h"
#include "tests/ops/box_golden.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

double value_at(const SoftMask& s, int y, int x) {
  if (y < s.y0 || x < s.x0 || y >= s.y0 + s.height || x >= s.x0 + s.width) return 0;
  return s.values[static_cast<size_t>(y - s.y0) * static_cast<size_t>(s.width) + static_cast<size_t>(x - s.x0)];
}

// From the definition: bilinear in the grid, zero outside it.
double accurate(const float* mask, int m, const Box& b, int y, int x) {
  const double u = (x + 0.5 - b.x1) / (b.x2 - b.x1) * m - 0.5, v = (y + 0.5 - b.y1) / (b.y2 - b.y1) * m - 0.5;
  double sum = 0;
  for (int j = 0; j < m; ++j)
    for (int i = 0; i < m; ++i) sum += std::max(0.0, 1 - std::abs(u - i)) * std::max(0.0, 1 - std::abs(v - j)) * mask[j * m + i];
  return sum;
}

}  // namespace

TEST_CASE("paste_mask: [[1,0],[0,0]] in the box (1,1,5,5) of a 6×6 image", "[mask_paste]") {
  const float mask[] = {1, 0, 0, 0};
  const SoftMask s = paste_values(mask, 2, {1, 1, 5, 5}, 6, 6, PasteRule::accurate);
  const double a = 0.0625, b = 0.1875, c = 0.5625;
  const double expected[6][6] = {{a, b, b, a, 0, 0}, {b, c, c, b, 0, 0}, {b, c, c, b, 0, 0}, {a, b, b, a, 0, 0}, {0}, {0}};
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 6; ++x) CHECK(value_at(s, y, x) == Approx(expected[y][x]).margin(1e-7));
  const CroppedMask p = paste_mask(mask, 2, {1, 1, 5, 5}, 6, 6, PasteRule::accurate);
  CHECK(p.image_height == 6);
  CHECK(p.image_width == 6);
  int on = 0;
  for (const uint8_t v : p.bits.pixels) on += v;
  CHECK(on == 4);
  CHECK(p.bits.at(1 - p.y0, 1 - p.x0) == 1);
  CHECK(p.bits.at(2 - p.y0, 2 - p.x0) == 1);
}

TEST_CASE("paste_mask: accurate, against the definition", "[mask_paste]") {
  const Tensor masks = box_golden()["paste.masks"], boxes = box_golden()["paste.boxes"];
  for (int64_t k = 0; k < boxes.size(0); ++k) {
    const float *b = boxes.data<float>() + k * 4, *mask = masks.data<float>() + k * 25;
    const Box box{b[0], b[1], b[2], b[3]};
    const SoftMask s = paste_values(mask, 5, box, 24, 32, PasteRule::accurate);
    const CroppedMask p = paste_mask(mask, 5, box, 24, 32, PasteRule::accurate);
    for (int y = 0; y < 24; ++y)
      for (int x = 0; x < 32; ++x) {
        const bool near = x >= s.x0 && y >= s.y0 && x < s.x0 + s.width && y < s.y0 + s.height;
        const double v = accurate(mask, 5, box, y, x);
        if (near)
          CHECK(value_at(s, y, x) == Approx(v).margin(2e-5));
        else
          CHECK(v < 0.5);
        if (near && std::abs(v - 0.5) > 1e-4) CHECK(p.bits.at(y - p.y0, x - p.x0) == (v >= 0.5));
      }
  }
}

TEST_CASE("paste_mask: torchvision's rule, as torchvision", "[mask_paste]") {
  const Tensor masks = box_golden()["paste.masks"], boxes = box_golden()["paste.boxes"], expected = box_golden()["paste.values"];
  for (int64_t k = 0; k < boxes.size(0); ++k) {
    const float* b = boxes.data<float>() + k * 4;
    const SoftMask s = paste_values(masks.data<float>() + k * 25, 5, {b[0], b[1], b[2], b[3]}, 24, 32, PasteRule::torchvision);
    double worst = 0;
    for (int y = 0; y < 24; ++y)
      for (int x = 0; x < 32; ++x) worst = std::max(worst, std::abs(value_at(s, y, x) - expected.at((k * 24 + y) * 32 + x)));
    INFO("box " << k);
    CHECK(worst < 2e-6);
  }
}

TEST_CASE("paste_mask: the threshold itself is on under the accurate rule, off under torchvision's", "[mask_paste]") {
  const std::vector<float> half(9, 0.5f);
  const auto on = [&](PasteRule rule) {
    int count = 0;
    for (const uint8_t v : paste_mask(half.data(), 3, {2, 2, 14, 14}, 16, 16, rule).bits.pixels) count += v;
    return count;
  };
  CHECK(on(PasteRule::accurate) > 50);
  CHECK(on(PasteRule::torchvision) == 0);
}

TEST_CASE("paste_mask: boxes outside, empty, not finite or enormous give little or nothing, quickly", "[mask_paste]") {
  const float mask[] = {1, 1, 1, 1}, inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  for (const PasteRule rule : {PasteRule::accurate, PasteRule::torchvision}) {
    CHECK(paste_mask(mask, 2, {100, 100, 120, 120}, 32, 32, rule).bits.pixels.empty());
    for (const Box& b : {Box{0, 0, inf, 5}, Box{-inf, 0, inf, 5}, Box{nan, 0, 4, 4}, Box{0, nan, 4, nan}, Box{1e30f, 0, 2e30f, 4}})
      for (const uint8_t v : paste_mask(mask, 2, b, 32, 32, rule).bits.pixels) CHECK(v <= 1);
    int on = 0;
    for (const uint8_t v : paste_mask(mask, 2, {-1e6f, -1e6f, 1e6f, 1e6f}, 32, 32, rule).bits.pixels) on += v;
    CHECK(on == 32 * 32);
  }
  CHECK(paste_mask(mask, 2, {5, 5, 5, 9}, 32, 32, PasteRule::accurate).bits.pixels.empty());
}

TEST_CASE("paste_rle: the codes of what paste_mask pastes", "[mask_paste]") {
  for (uint64_t k = 0; k < 300; ++k) {
    Rng rng(5, "paste_rle", k);
    const int m = 1 + static_cast<int>(rng.below(9));
    std::vector<float> mask(static_cast<size_t>(m * m));
    for (float& v : mask) v = static_cast<float>(rng.below(1001)) / 1000;
    const auto at = [&](int from, int to) {
      return static_cast<float>(from) + static_cast<float>(rng.below(static_cast<uint64_t>(to - from) * 8)) / 8;
    };
    Box box{at(-20, 40), at(-20, 50), 0, 0};
    box.x2 = box.x1 + at(0, 60);
    box.y2 = box.y1 + at(0, 60);
    if (k == 0) box = {0, 0, 31, 43};
    for (const PasteRule rule : {PasteRule::accurate, PasteRule::torchvision}) {
      INFO("box " << box.x1 << " " << box.y1 << " " << box.x2 << " " << box.y2 << ", m " << m);
      CHECK(paste_rle(mask.data(), m, box, 43, 31, rule) == rle_encode(paste_mask(mask.data(), m, box, 43, 31, rule)));
    }
  }
  // Nothing of the size of the box is held: 20,000 × 20,000 pixels are 1.6 GB as values. A mask of one cell fades to 0 towards the box's
  // sides; the share of the box where (1 − |u|)(1 − |v|) ≥ 1/2, for u and v from −1/2 to 1/2, is 2 − 2 ln 2.
  const float full[] = {1};
  const int64_t area = rle_area(paste_rle(full, 1, {0, 0, 20000, 20000}, 20000, 20000, PasteRule::accurate));
  CHECK(static_cast<double>(area) / 4e8 == Approx(2 - 2 * std::log(2)).epsilon(1e-4));
}

TEST_CASE("paste_mask: errors", "[mask_paste]") {
  const float mask[] = {1};
  CHECK_THROWS_WITH(paste_mask(mask, 0, {0, 0, 1, 1}, 4, 4, PasteRule::accurate), Contains("m must be 1 … 4096, got 0"));
  CHECK_THROWS_WITH(paste_mask(mask, 1, {0, 0, 1, 1}, 0, 4, PasteRule::accurate), Contains("the image must have pixels, got 0×4"));
  CHECK_THROWS_WITH(paste_mask(mask, 1, {0, 0, 1, 1}, 4, -1, PasteRule::torchvision), Contains("got 4×-1"));
}
