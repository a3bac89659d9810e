#include "ops/boxes/box_coder.h"

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/rows.h"
#include "ops/each.h"

namespace mr {
namespace {

// Of a tensor of boxes, K beside each other in a row.
int64_t boxes_a_row(const Tensor& t, const char* op, const char* what) {
  check(t.defined() && t.rank() == 2 && t.size(1) % 4 == 0, op, ": ", what, " must be [N,4K] f32, got ", t.defined() ? t.shape() : Shape{});
  return t.size(1) / 4;
}

}  // namespace

Tensor BoxCoder::encode(const Tensor& gt, const Tensor& anchors) const {
  const Operands of("encode", gt.device());
  const Box *g = of.boxes(gt, "gt"), *a = of.boxes(anchors, "anchors");
  const int64_t n = gt.size(0);
  check(anchors.size(0) == n, "encode: expected one anchor a box, got ", n, " boxes and ", anchors.size(0), " anchors");
  const Tensor deltas = Tensor::empty_like(gt);
  each_row("encode", gt.device(), n, EncodeRow{*this, g, a, of.boxes(deltas, "deltas")});
  return deltas;
}

Tensor BoxCoder::decode(const Tensor& deltas, const Tensor& anchors) const {
  const Operands of("decode", deltas.device());
  const Box* a = of.boxes(anchors, "anchors");
  const int64_t K = boxes_a_row(deltas, "decode", "deltas"), n = anchors.size(0);
  check(deltas.size(0) == n, "decode: expected a row of deltas for each of ", n, " anchors, got ", deltas.shape());
  const Tensor boxes = Tensor::empty_like(deltas);
  each_row("decode", deltas.device(), n * K,
           DecodeRow{*this, of.as<Box>(deltas, "deltas", {n, 4 * K}), a, of.as<Box>(boxes, "boxes", {n, 4 * K}), K});
  return boxes;
}

void clip_boxes(const Tensor& boxes, int h, int w) {
  check(h >= 0 && w >= 0, "clip_boxes: the image must have a size, got ", h, "×", w);
  const int64_t K = boxes_a_row(boxes, "clip_boxes", "boxes");
  Box* const b = Operands("clip_boxes", boxes.device()).as<Box>(boxes, "boxes", {boxes.size(0), 4 * K});
  each_row("clip_boxes", boxes.device(), boxes.size(0) * K, ClipRow{b, b, static_cast<float>(h), static_cast<float>(w)});
}

}  // namespace mr
