#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/mask_rules.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256;

// Cell (row, column) of a mask with a border of zeros.
__device__ float cell_at(const float* mask, int m, int row, int column) {
  const bool inside = row >= 1 && row <= m && column >= 1 && column <= m;
  return inside ? load<float>(mask + (row - 1) * m + column - 1) : 0.0f;
}

// Block (pixels, mask). A thread writes N neighbours of a row; few of the m·m numbers of a mask are read, and stay in the cache.
template <int N> __global__ void __launch_bounds__(threads)
    paste_kernel(const float* masks, const Box* boxes, int m, int image_h, int image_w, PasteRule rule, float threshold, uint8_t* out) {
  const int64_t r = blockIdx.y, i = N * (int64_t{blockIdx.x} * threads + int64_t{threadIdx.x}), pixels = int64_t{image_h} * image_w;
  if (i >= pixels) return;
  const int y = static_cast<int>(i / image_w), x0 = static_cast<int>(i % image_w);
  const Box box = load<Box>(boxes + r);
  const PasteAxis down = paste_axis(rule, box.y1, box.y2, m, image_h), across = paste_axis(rule, box.x1, box.x2, m, image_w);
  const float* const mask = masks + r * m * m;
  Pack<uint8_t, N> on{};
  if (y >= down.first && y < down.end && x0 + N > across.first && x0 < across.end) {
    const PasteRead row = down.read(y);
    MR_UNROLL
    for (int k = 0; k < N; ++k) {
      if (x0 + k < across.first || x0 + k >= across.end) continue;
      const PasteRead column = across.read(x0 + k);
      const float low = row.w_low * cell_at(mask, m, row.low, column.low) + row.w_high * cell_at(mask, m, row.low + 1, column.low);
      const float high = row.w_low * cell_at(mask, m, row.low, column.low + 1) + row.w_high * cell_at(mask, m, row.low + 1, column.low + 1);
      on[k] = pasted(column.w_low * low + column.w_high * high, rule, threshold) ? 1 : 0;
    }
  }
  store(out + r * pixels + i, on);
}

}  // namespace

Tensor paste_masks(const Tensor& masks, const Tensor& boxes, int image_h, int image_w, PasteRule rule, float threshold) {
  check(masks.defined() && masks.rank() == 3, "paste_masks: masks must be [D,m,m] f32, got ", masks.defined() ? masks.shape() : Shape{});
  check(image_h > 0 && image_w > 0, "paste_masks: the image must have pixels, got ", image_h, "×", image_w);
  const int64_t D = masks.size(0), m = masks.size(1), pixels = int64_t{image_h} * image_w;
  check(m >= 1 && m <= 1 << 12, "paste_masks: m must be 1 … 4096, got ", m);
  const auto* p = checked_data<float>(masks, "paste_masks", "masks", {D, m, m});
  const Box* b = checked_boxes(boxes, "paste_masks", "boxes", {D, 4});
  const Tensor out = Tensor::empty({D, image_h, image_w}, DType::u8, masks.device());
  if (D == 0) return out;
  const auto queue = [&](int64_t n, auto kernel) {
    launch("paste_masks", {blocks_of(pixels, n * threads), D}, {threads}, 0, compute_stream(), kernel, p, b, static_cast<int>(m), image_h,
           image_w, rule, threshold, out.device_data<uint8_t>());
  };
  if (image_w % 16 == 0)
    queue(16, paste_kernel<16>);
  else if (image_w % 4 == 0)
    queue(4, paste_kernel<4>);
  else
    queue(1, paste_kernel<1>);
  return out;
}

}  // namespace mr::gpu
