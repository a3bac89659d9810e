#include "ops/boxes/box_coder.h"

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

constexpr int64_t grain = 1024;

std::span<Box> box_rows(const Tensor& t, const char* op, const char* what) {
  check(t.defined() && t.rank() == 2 && t.size(1) % 4 == 0 && t.dtype() == DType::f32, op, ": ", what, " must be [N,4K] f32, got ",
        t.defined() ? t.shape() : Shape{}, " ", t.dtype());
  return as_boxes(t.reshape({t.numel() / 4, 4}), op, what);
}

}  // namespace

Tensor BoxCoder::encode(const Tensor& gt, const Tensor& anchors) const {
  if constexpr (gpu::exists) {
    if (gt.on_gpu()) return gpu::encode_boxes(*this, gt, anchors);
  }
  const auto g = as_boxes(gt, "encode", "gt"), a = as_boxes(anchors, "encode", "anchors");
  check(g.size() == a.size(), "encode: expected one anchor a box, got ", g.size(), " boxes and ", a.size(), " anchors");
  const Tensor deltas = Tensor::empty(gt.shape());
  Box* d = as_boxes(deltas, "encode", "deltas").data();
  parallel_for(gt.size(0), grain, [&](int64_t i) { d[i] = encode_box(*this, g[i], a[i]); });
  return deltas;
}

Tensor BoxCoder::decode(const Tensor& deltas, const Tensor& anchors) const {
  if constexpr (gpu::exists) {
    if (deltas.on_gpu()) return gpu::decode_boxes(*this, deltas, anchors);
  }
  const auto d = box_rows(deltas, "decode", "deltas"), a = as_boxes(anchors, "decode", "anchors");
  check(deltas.size(0) == anchors.size(0), "decode: expected a row of deltas for each of ", a.size(), " anchors, got ", deltas.shape());
  const Tensor boxes = Tensor::empty(deltas.shape());
  Box* out = box_rows(boxes, "decode", "boxes").data();
  const int64_t per_anchor = deltas.size(1) / 4;
  parallel_for(boxes.numel() / 4, grain, [&](int64_t i) { out[i] = decode_box(*this, d[i], a[i / per_anchor]); });
  return boxes;
}

void clip_boxes(const Tensor& boxes, int h, int w) {
  check(h >= 0 && w >= 0, "clip_boxes: the image must have a size, got ", h, "×", w);
  if constexpr (gpu::exists) {
    if (boxes.on_gpu()) return gpu::clip_boxes(boxes, h, w);
  }
  const auto b = box_rows(boxes, "clip_boxes", "boxes");
  const auto right = static_cast<float>(w), bottom = static_cast<float>(h);
  parallel_for(static_cast<int64_t>(b.size()), 4 * grain, [&](int64_t i) { b[i] = clip_box(b[i], bottom, right); });
}

}  // namespace mr
