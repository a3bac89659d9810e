#include "models/heads/box.h"

#include "models/heads/roi_sampler.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/nms.h"
#include "ops/elementwise/reshape.h"
#include "ops/gemm/linear.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/smooth_l1.h"

namespace mr {

BoxHead::BoxHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const BoxHeadConfig& c)
    : features_(std::move(features)), config_(c), classes_(classes) {
  const auto bias = [&](const char* name, int64_t n) { return p.add(prefix + name, {n}, Init::zeros(), ParameterKind::bias); };
  fc6_w_ = p.add_fc_of_map(prefix + "box_head.fc6.weight", c.width, static_cast<int>(c.size), static_cast<int>(c.size),
                           static_cast<int>(features_.channels()), Init::xavier());
  fc6_b_ = bias("box_head.fc6.bias", c.width);
  fc7_w_ = p.add(prefix + "box_head.fc7.weight", {c.width, c.width}, Init::xavier());
  fc7_b_ = bias("box_head.fc7.bias", c.width);
  score_w_ = p.add(prefix + "box_predictor.cls_score.weight", {classes + 1, c.width}, Init::normal(0.01));
  score_b_ = bias("box_predictor.cls_score.bias", classes + 1);
  delta_w_ = p.add(prefix + "box_predictor.bbox_pred.weight", {4 * (classes + 1), c.width}, Init::normal(0.001));
  delta_b_ = bias("box_predictor.bbox_pred.bias", 4 * (classes + 1));
}

BoxHead::Output BoxHead::run(const Features& f, const Tensor& rois) const {
  Var x = flatten_rows(features_(f, rois, config_.size));  // [R,7·7·C]
  x = linear(x, fc6_w_, fc6_b_, true);                     // [R,1024]
  x = linear(x, fc7_w_, fc7_b_, true);                     // [R,1024]
  return {linear(x, score_w_, score_b_), linear(x, delta_w_, delta_b_)};
}

Losses BoxHead::losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch&) const {
  const RoITargets& t = rois.all;
  const Output out = run(f, t.rois);
  const Divisor sampled = over_labels(t.labels, 0, classes_ + 1);
  return {{"class", softmax_cross_entropy(out.scores, t.labels, sampled)},
          {"box", class_box_loss(out.deltas, t.labels, t.deltas, config_.beta, sampled)}};
}

void BoxHead::predict(const Features& f, const Tensor& sizes, Found& found) const {
  const BoxRows proposals = to_rows(found.boxes);
  const Output out = run(f, proposals.rois);
  const Candidates c = decode_detections(softmax(out.scores.value().to(DType::f32)), out.deltas.value().to(DType::f32), proposals, sizes,
                                         roi_coder, static_cast<float>(config_.score), static_cast<float>(config_.min_size));
  const Chosen best = nms(c, static_cast<float>(config_.nms), config_.detections);
  found = {take(c.boxes, best), take(c.scores, best.index), detected_labels(best.index, classes_), {}};
}

}  // namespace mr
