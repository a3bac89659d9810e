#include "ops/boxes/box_coder.h"

#include <algorithm>
#include <cmath>

#include "ops/boxes/box_tensor.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

constexpr int64_t grain = 1024;

struct Centred {
  float w, h, x, y;
  Centred(const Box& b, float extent) : w(b.width() + extent), h(b.height() + extent), x(b.x1 + 0.5f * w), y(b.y1 + 0.5f * h) {}
};

std::span<Box> box_rows(const Tensor& t, const char* op, const char* what) {
  check(t.defined() && t.rank() == 2 && t.size(1) % 4 == 0 && t.dtype() == DType::f32, op, ": ", what, " must be [N,4K] f32, got ",
        t.defined() ? t.shape() : Shape{}, " ", t.dtype());
  return as_boxes(t.reshape({t.numel() / 4, 4}), op, what);
}

}  // namespace

Tensor BoxCoder::encode(const Tensor& gt, const Tensor& anchors) const {
  const auto g = as_boxes(gt, "encode", "gt"), a = as_boxes(anchors, "encode", "anchors");
  check(g.size() == a.size(), "encode: expected one anchor a box, got ", g.size(), " boxes and ", a.size(), " anchors");
  const Tensor deltas = Tensor::empty(gt.shape());
  Box* d = as_boxes(deltas, "encode", "deltas").data();
  parallel_for(gt.size(0), grain, [&](int64_t i) {
    const Centred to(g[i], extent), from(a[i], extent);
    d[i] = {wx * (to.x - from.x) / from.w, wy * (to.y - from.y) / from.h, ww * std::log(to.w / from.w), wh * std::log(to.h / from.h)};
  });
  return deltas;
}

Tensor BoxCoder::decode(const Tensor& deltas, const Tensor& anchors) const {
  const auto d = box_rows(deltas, "decode", "deltas"), a = as_boxes(anchors, "decode", "anchors");
  check(deltas.size(0) == anchors.size(0), "decode: expected a row of deltas for each of ", a.size(), " anchors, got ", deltas.shape());
  const Tensor boxes = Tensor::empty(deltas.shape());
  Box* out = box_rows(boxes, "decode", "boxes").data();
  const int64_t per_anchor = deltas.size(1) / 4;
  const float most = std::log(1000.0f / 16.0f);
  parallel_for(boxes.numel() / 4, grain, [&](int64_t i) {
    const Centred from(a[i / per_anchor], extent);
    const Box& t = d[i];  // dx, dy, dw, dh
    const float x = t.x1 / wx * from.w + from.x, y = t.y1 / wy * from.h + from.y;
    const float half_w = 0.5f * (std::exp(std::min(t.x2 / ww, most)) * from.w),
                half_h = 0.5f * (std::exp(std::min(t.y2 / wh, most)) * from.h);
    out[i] = {x - half_w, y - half_h, x + half_w - extent, y + half_h - extent};
  });
  return boxes;
}

void clip_boxes(const Tensor& boxes, int h, int w) {
  check(h >= 0 && w >= 0, "clip_boxes: the image must have a size, got ", h, "×", w);
  const auto b = box_rows(boxes, "clip_boxes", "boxes");
  const auto right = static_cast<float>(w), bottom = static_cast<float>(h);
  parallel_for(static_cast<int64_t>(b.size()), 4 * grain, [&](int64_t i) {
    Box& box = b[i];
    box = {std::clamp(box.x1, 0.0f, right), std::clamp(box.y1, 0.0f, bottom), std::clamp(box.x2, 0.0f, right),
           std::clamp(box.y2, 0.0f, bottom)};
  });
}

}  // namespace mr
