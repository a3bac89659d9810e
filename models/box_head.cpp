#include <algorithm>

#include "models/heads.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/levels.h"
#include "ops/boxes/matcher.h"
#include "ops/boxes/nms.h"
#include "ops/boxes/sampler.h"
#include "ops/elementwise/reshape.h"
#include "ops/gemm/linear.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/smooth_l1.h"
#include "ops/roi/crop_and_resize.h"
#include "ops/roi/precise_roi_pool.h"
#include "ops/roi/roi_align.h"
#include "ops/roi/roi_pool.h"
#include "ops/roi/roi_warp.h"

namespace mr {
Var pool_rois(const Features& P, const Tensor& rois, int64_t size, const RoIConfig& c) {
  constexpr size_t levels = 4;  // P6 only serves the RPN
  const std::vector<Var> maps(P.maps.begin(), P.maps.begin() + std::min(levels, P.maps.size()));
  const std::vector<int> strides(P.strides.begin(), P.strides.begin() + std::min(levels, P.strides.size()));
  const Tensor level = assign_levels(rois, 2, 5);  // [R]
  const auto bins = static_cast<int>(size), samples = static_cast<int>(c.sampling);
  const Var boxes(rois);  // constants to the heads
  switch (c.op) {
    case RoIOp::align:
      return roi_align(maps, strides, boxes, level, {.size = bins, .sampling_ratio = samples, .aligned = c.aligned, .reduce = c.reduce});
    case RoIOp::pool:
      return roi_pool(maps, strides, rois, level, {.size = bins});
    case RoIOp::warp:
      return roi_warp(maps, strides, boxes, level, {.size = bins, .sampling_ratio = samples, .reduce = c.reduce});
    case RoIOp::mnc_warp:
      return roi_warp(maps, strides, boxes, level, {.size = bins, .reduce = c.reduce, .variant = WarpVariant::mnc});
    case RoIOp::precise:
      return precise_roi_pool(maps, strides, boxes, level, {.size = bins, .aligned = c.aligned});
    case RoIOp::crop:
      return crop_and_resize(maps, strides, boxes, level, {.size = bins, .reduce = c.reduce});
  }
  fail("model.roi.op: unknown operator");
}

BoxHead::BoxHead(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const BoxHeadConfig& c)
    : config_(c), classes_(classes) {
  const auto bias = [&](const char* name, int64_t n) { return p.add(prefix + name, {n}, Init::zeros(), ParameterKind::bias); };
  fc6_w_ = p.add_fc_of_map(prefix + "box_head.fc6.weight", c.width, static_cast<int>(c.size), static_cast<int>(c.size),
                           static_cast<int>(channels), Init::xavier());
  fc6_b_ = bias("box_head.fc6.bias", c.width);
  fc7_w_ = p.add(prefix + "box_head.fc7.weight", {c.width, c.width}, Init::xavier());
  fc7_b_ = bias("box_head.fc7.bias", c.width);
  score_w_ = p.add(prefix + "box_predictor.cls_score.weight", {classes + 1, c.width}, Init::normal(0.01));
  score_b_ = bias("box_predictor.cls_score.bias", classes + 1);
  delta_w_ = p.add(prefix + "box_predictor.bbox_pred.weight", {4 * (classes + 1), c.width}, Init::normal(0.001));
  delta_b_ = bias("box_predictor.bbox_pred.bias", 4 * (classes + 1));
}

BoxHead::Output BoxHead::operator()(const Features& P, const Tensor& rois, const RoIConfig& roi) const {
  Var x = flatten_rows(pool_rois(P, rois, config_.size, roi));  // [R,7·7·C]
  x = linear(x, fc6_w_, fc6_b_, true);                          // [R,1024]
  x = linear(x, fc7_w_, fc7_b_, true);                          // [R,1024]
  return {linear(x, score_w_, score_b_), linear(x, delta_w_, delta_b_)};
}

RoISample BoxHead::sample(const BoxList& proposals, const DeviceBatch& batch) const {
  RoISample s{append(proposals, batch.objects), {}, {}};
  s.match = match_boxes(batch.objects, s.boxes, static_cast<float>(config_.positive_iou), static_cast<float>(config_.negative_iou), false);
  s.chosen = sample_balanced(s.match, config_.batch, config_.positive_fraction, batch.roi_rng);
  return s;
}

RoITargets BoxHead::targets(const RoISample& s, const DeviceBatch& batch) const {
  return roi_targets(s.boxes, s.match, s.chosen, batch.objects, batch.labels, coder);
}

RoITargets BoxHead::objects(const RoISample& s, const DeviceBatch& batch) const {
  const auto most = static_cast<int64_t>(static_cast<double>(config_.batch) * config_.positive_fraction);
  return object_targets(s.boxes, s.match, s.chosen, batch.objects, batch.labels, coder, std::min(most, s.chosen.index.size(1)));
}

std::vector<NamedLoss> BoxHead::losses(const Output& out, const RoITargets& t) const {
  const Divisor rois = over_labels(t.labels, 0, classes_ + 1);
  return {{"class", softmax_cross_entropy(out.scores, t.labels, rois)},
          {"box", class_box_loss(out.deltas, t.labels, t.deltas, config_.beta, rois)}};
}

Found BoxHead::detections(const Output& out, const BoxRows& proposals, const Tensor& sizes) const {
  const Candidates c = decode_detections(softmax(out.scores.value().to(DType::f32)), out.deltas.value().to(DType::f32), proposals, sizes,
                                         coder, static_cast<float>(config_.score), static_cast<float>(config_.min_size));
  const Chosen best = nms(c, static_cast<float>(config_.nms), config_.detections);
  return {take(c.boxes, best), take(c.scores, best.index), detected_labels(best.index, classes_), {}};
}

}  // namespace mr
