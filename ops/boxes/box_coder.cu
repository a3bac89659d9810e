// One box a thread: a warp reads and writes 32 neighbours of 16 bytes.
#include "ops/boxes/box_rules.h"
#include "ops/boxes/boxes_gpu.h"
#include "ops/boxes/rows_gpu.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256;

__device__ int64_t this_row() { return int64_t{blockIdx.x} * threads + int64_t{threadIdx.x}; }

__global__ void encode_kernel(BoxCoder coder, const Box* gt, const Box* anchors, Box* deltas, int64_t n) {
  const int64_t i = this_row();
  if (i < n) store(deltas + i, encode_box(coder, load<Box>(gt + i), load<Box>(anchors + i)));
}

__global__ void decode_kernel(BoxCoder coder, const Box* deltas, const Box* anchors, Box* boxes, int64_t n, int64_t per_anchor) {
  const int64_t i = this_row();
  if (i < n) store(boxes + i, decode_box(coder, load<Box>(deltas + i), load<Box>(anchors + i / per_anchor)));
}

__global__ void clip_kernel(Box* boxes, int64_t n, float height, float width) {
  const int64_t i = this_row();
  if (i < n) store(boxes + i, clip_box(load<Box>(boxes + i), height, width));
}

int64_t boxes_a_row(const Tensor& t, const char* op, const char* what) {
  check(t.defined() && t.rank() == 2 && t.size(1) % 4 == 0, op, ": ", what, " must be [N,4K] f32, got ", t.defined() ? t.shape() : Shape{});
  return t.size(1) / 4;
}

}  // namespace

Tensor encode_boxes(const BoxCoder& coder, const Tensor& gt, const Tensor& anchors) {
  const int64_t n = anchors.size(0);
  const Box *g = checked_boxes(gt, "encode", "gt", {n, 4}), *a = checked_boxes(anchors, "encode", "anchors", {n, 4});
  const Tensor deltas = Tensor::empty_like(gt);
  if (n > 0)
    launch("encode", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), encode_kernel, coder, g, a,
           checked_boxes(deltas, "encode", "deltas", {n, 4}), n);
  return deltas;
}

Tensor decode_boxes(const BoxCoder& coder, const Tensor& deltas, const Tensor& anchors) {
  const int64_t k = boxes_a_row(deltas, "decode", "deltas"), rows = deltas.size(0), n = rows * k;
  const Box *d = checked_boxes(deltas, "decode", "deltas", {rows, 4 * k}), *a = checked_boxes(anchors, "decode", "anchors", {rows, 4});
  const Tensor boxes = Tensor::empty_like(deltas);
  if (n > 0)
    launch("decode", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), decode_kernel, coder, d, a,
           checked_boxes(boxes, "decode", "boxes", deltas.shape()), n, k);
  return boxes;
}

void clip_boxes(const Tensor& boxes, int h, int w) {
  const int64_t n = boxes.size(0) * boxes_a_row(boxes, "clip_boxes", "boxes");
  if (n > 0)
    launch("clip_boxes", {blocks_of(n, threads)}, {threads}, 0, compute_stream(), clip_kernel,
           checked_boxes(boxes, "clip_boxes", "boxes", boxes.shape()), n, static_cast<float>(h), static_cast<float>(w));
}

}  // namespace mr::gpu
