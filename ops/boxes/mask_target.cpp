#include "ops/boxes/mask_target.h"

#include <algorithm>
#include <cmath>

#include "ops/boxes/box_tensor.h"
#include "ops/roi/roi_grid.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

void check_mask(const CroppedMask* mask, size_t r) {
  check(mask != nullptr, "mask_targets: no mask for box ", r);
  const CroppedMask& k = *mask;
  check(k.image_height > 0 && k.image_width > 0 && k.x0 >= 0 && k.y0 >= 0 && k.bits.height <= k.image_height - k.y0 &&
            k.bits.width <= k.image_width - k.x0 &&
            k.bits.pixels.size() == static_cast<size_t>(k.bits.height) * static_cast<size_t>(k.bits.width),
        "mask_targets: the bits must lie inside the image, got ", k.bits.height, "×", k.bits.width, " at (", k.x0, ", ", k.y0, ") of ",
        k.image_height, "×", k.image_width, " for box ", r);
}

// First down the pixel columns that the box reads, then along them: m sums a pixel and m a bin, instead of m² a pixel.
struct Target {
  BinTaps<float> rows, columns;
  std::vector<float> line;  // Σ_y weight · bits[y][x] for one row of bins, x from `left` on

  void fill(const CroppedMask& mask, const Box& box, int m, bool aligned, float* out) {
    rows.build(align_axis(box.y1, box.y2, 1.0f, m, 0, aligned), m, mask.image_height);
    columns.build(align_axis(box.x1, box.x2, 1.0f, m, 0, aligned), m, mask.image_width);
    std::fill_n(out, m * m, 0.0f);
    if (columns.cell.empty()) return;
    const auto [least, most] = std::ranges::minmax(columns.cell);
    const int left = std::max(least - mask.x0, 0), right = std::min(most - mask.x0 + 1, mask.bits.width);
    if (left >= right) return;
    for (int p = 0; p < m; ++p) {
      down(mask, rows.bin(p), left, right);
      for (int q = 0; q < m; ++q) {
        const auto bin = columns.bin(q);
        float sum = 0;
        for (int j = 0; j < bin.count; ++j) {
          const int x = bin.cell[j] - mask.x0;
          if (x >= left && x < right) sum += bin.weight[j] * line[x - left];
        }
        *out++ = sum;
      }
    }
  }

  void down(const CroppedMask& mask, BinTaps<float>::Taps bin, int left, int right) {
    line.assign(right - left, 0.0f);
    for (int i = 0; i < bin.count; ++i) {
      const int y = bin.cell[i] - mask.y0;
      if (y < 0 || y >= mask.bits.height) continue;
      const uint8_t* bits = mask.bits.pixels.data() + int64_t{y} * mask.bits.width + left;
      for (int x = 0; x < right - left; ++x) line[x] += bin.weight[i] * static_cast<float>(bits[x]);
    }
  }
};

}  // namespace

Tensor mask_targets(const std::vector<const CroppedMask*>& masks, const Tensor& boxes, int m, MaskRule rule) {
  const auto b = as_boxes(boxes, "mask_targets", "boxes");
  check(masks.size() == b.size(), "mask_targets: expected a mask for each of ", b.size(), " boxes, got ", masks.size());
  check(m >= 1 && m <= 1024, "mask_targets: m must be 1 … 1024, got ", m);
  for (size_t r = 0; r < b.size(); ++r) {
    check_mask(masks[r], r);
    for (const float v : {b[r].x1, b[r].y1, b[r].x2, b[r].y2})
      check(std::abs(v) <= 1 << 24, "mask_targets: corners must be finite and within 2^24 pixels, got ", v, " in box ", r);
  }
  const Tensor t = Tensor::empty({boxes.size(0), m, m});
  const bool hard = rule == MaskRule::thresholded;
  parallel_ranges(boxes.size(0), 2, [&](int64_t begin, int64_t end) {
    Target target;
    for (int64_t r = begin; r < end; ++r) {
      float* out = t.data<float>() + r * m * m;
      target.fill(*masks[r], b[r], m, hard, out);
      if (hard)
        for (int i = 0; i < m * m; ++i) out[i] = out[i] >= 0.5f ? 1.0f : 0.0f;
    }
  });
  return t;
}

}  // namespace mr
