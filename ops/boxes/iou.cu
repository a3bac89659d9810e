#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256, rows = 16;

// A thread has one box of b and goes through `rows` boxes of a, which all lanes read at once; the lanes of a warp write neighbours.
__global__ void __launch_bounds__(threads) box_iou_kernel(const Box* a, const Box* b, float* y, int64_t A, int64_t B) {
  const int64_t j = int64_t{blockIdx.x} * threads + int64_t{threadIdx.x};
  if (j >= B) return;
  const Box other = load<Box>(b + j);
  const int64_t first = int64_t{blockIdx.y} * rows, last = min(first + rows, A);
  for (int64_t i = first; i < last; ++i) store(y + i * B + j, iou(load<Box>(a + i), other));
}

}  // namespace

Tensor box_iou(const Tensor& a, const Tensor& b) {
  const int64_t A = a.size(0), B = b.size(0);
  const Box *boxes_a = checked_boxes(a, "box_iou", "a", {A, 4}), *boxes_b = checked_boxes(b, "box_iou", "b", {B, 4});
  const Tensor y = Tensor::empty({A, B}, DType::f32, a.device());
  if (y.numel() > 0)
    launch("box_iou", {blocks_of(B, threads), blocks_of(A, rows)}, {threads}, 0, compute_stream(), box_iou_kernel, boxes_a, boxes_b,
           y.device_data<float>(), A, B);
  return y;
}

}  // namespace mr::gpu
