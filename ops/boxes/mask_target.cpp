#include "ops/boxes/mask_target.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/each.h"
#include "ops/roi/roi_grid.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

void check_mask(const CroppedMask& k, size_t image, size_t object) {
  check(k.image_height > 0 && k.image_width > 0 && k.x0 >= 0 && k.y0 >= 0 && k.bits.height <= k.image_height - k.y0 &&
            k.bits.width <= k.image_width - k.x0 &&
            k.bits.pixels.size() == static_cast<size_t>(k.bits.height) * static_cast<size_t>(k.bits.width),
        "mask_table: the bits must lie inside the image, got ", k.bits.height, "×", k.bits.width, " at (", k.x0, ", ", k.y0, ") of ",
        k.image_height, "×", k.image_width, " for object ", object, " of image ", image);
}

// The target of one RoI. For a row of bins, the pixels of each column that the box reads are summed
// first, and then these sums along each bin. So a pixel is read m times, and not m² times.
struct Target {
  BinTaps<float> rows, columns;
  std::vector<float> line;  // Σ_y weight · bits[y][x] for one row of bins, x from `left` on

  void fill(const Frame& mask, const Box& box, int m, bool aligned, float* out) {
    rows.build(align_axis(box.y1, box.y2, 1.0f, m, 0, aligned), m, mask.image_height);
    columns.build(align_axis(box.x1, box.x2, 1.0f, m, 0, aligned), m, mask.image_width);
    std::fill_n(out, m * m, 0.0f);
    if (columns.cell.empty()) return;
    const auto [least, most] = std::ranges::minmax(columns.cell);
    const int left = std::max(least - mask.x0, 0), right = std::min(most - mask.x0 + 1, mask.width);
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

  void down(const Frame& mask, BinTaps<float>::Taps bin, int left, int right) {
    line.assign(right - left, 0.0f);
    for (int i = 0; i < bin.count; ++i) {
      const int y = bin.cell[i] - mask.y0;
      if (y < 0 || y >= mask.height) continue;
      const uint8_t* bits = mask.bits + int64_t{y} * mask.width + left;
      for (int x = 0; x < right - left; ++x) line[x] += bin.weight[i] * static_cast<float>(bits[x]);
    }
  }
};

}  // namespace

MaskTable mask_table(const std::vector<std::span<const CroppedMask>>& masks, int64_t G, Device device) {
  const auto N = static_cast<int64_t>(masks.size());
  MaskTable table;
  int64_t bytes = 0;
  for (size_t n = 0; n < masks.size(); ++n) {
    check(static_cast<int64_t>(masks[n].size()) <= G, "mask_table: room for ", G, " objects an image, got ", masks[n].size());
    for (size_t g = 0; g < masks[n].size(); ++g) {
      check_mask(masks[n][g], n, g);
      bytes += static_cast<int64_t>(masks[n][g].bits.pixels.size());
    }
  }
  // Room in steps, so that most batches have the same shapes.
  const Tensor bits =
      Tensor::empty({static_cast<int64_t>(std::bit_ceil(std::max<uint64_t>(static_cast<uint64_t>(bytes), 4096)))}, DType::u8, Device{});
  const Tensor place = Tensor::empty({N, G, 7}, DType::i64, Device{});
  place.fill_(0);
  int64_t first = 0;
  for (int64_t n = 0; n < N; ++n)
    for (size_t g = 0; g < masks[static_cast<size_t>(n)].size(); ++g) {
      const CroppedMask& k = masks[static_cast<size_t>(n)][g];
      const int64_t row[] = {first, k.x0, k.y0, k.bits.height, k.bits.width, k.image_height, k.image_width};
      std::ranges::copy(row, place.data<int64_t>() + (n * G + static_cast<int64_t>(g)) * 7);
      std::ranges::copy(k.bits.pixels, bits.data<uint8_t>() + first);
      first += static_cast<int64_t>(k.bits.pixels.size());
      table.width = std::max<int64_t>(table.width, k.bits.width);
    }
  table.width = (table.width + 255) / 256 * 256;
  table.bits = bits.to(device);
  table.place = place.to(device);
  return table;
}

Tensor mask_targets(const MaskTable& masks, const Tensor& rois, const Tensor& object, int m, MaskRule rule) {
  const char* op = "mask_targets";
  check(m >= 1 && m <= 1024, op, ": m must be 1 … 1024, got ", m);
  check(rois.defined() && rois.rank() == 2 && masks.place.defined() && masks.place.rank() == 3, op,
        ": expected rois [R,5] f32 and places [N,G,7] i64");
  const int64_t R = rois.size(0), N = masks.place.size(0), G = masks.place.size(1);
  const Operands of(op, rois.device());
  const auto* boxes = of.as<float>(rois, "rois", {R, 5});
  const auto* objects = of.as<int32_t>(object, "object", {R});
  const Bitmaps bitmaps{of.as<uint8_t>(masks.bits, "bits", masks.bits.shape()), of.as<int64_t>(masks.place, "places", {N, G, 7}), G};
  const bool hard = rule == MaskRule::thresholded;
  const Tensor t = Tensor::empty({R, m, m}, DType::f32, rois.device());
  if constexpr (gpu::exists) {
    if (rois.on_gpu()) {
      gpu::mask_targets(bitmaps, masks.width, boxes, objects, hard, t);
      return t;
    }
  }
  for (int64_t r = 0; r < R; ++r) {
    const float* roi = boxes + 5 * r;
    const int32_t g = objects[r];
    if (g < 0) continue;
    for (int k = 1; k < 5; ++k)
      check(std::abs(roi[k]) <= 1 << 24, op, ": corners must be finite and within 2^24 pixels, got ", roi[k], " in box ", r);
    check(roi[0] >= 0 && roi[0] < static_cast<float>(N) && g < G, op, ": box ", r, " wants object ", g, " of image ", roi[0],
          "; there are ", G, " of ", N, " images");
  }
  const int64_t cells = int64_t{m} * m;
  parallel_ranges(R, 2, [&](int64_t begin, int64_t end) {
    Target target;
    for (int64_t r = begin; r < end; ++r) {
      float* out = t.data<float>() + r * cells;
      const float* roi = boxes + 5 * r;
      if (const int32_t g = objects[r]; g >= 0)
        target.fill(bitmaps.frame(AtOnCpu{}, static_cast<int64_t>(roi[0]), g), {roi[1], roi[2], roi[3], roi[4]}, m, hard, out);
      else
        std::fill_n(out, cells, 0.0f);
      if (hard)
        for (int64_t i = 0; i < cells; ++i) out[i] = out[i] >= 0.5f ? 1.0f : 0.0f;
    }
  });
  return t;
}

}  // namespace mr
