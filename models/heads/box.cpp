#include "models/heads/box.h"

#include "models/heads/roi_sampler.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/nms.h"
#include "ops/elementwise/reshape.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/smooth_l1.h"

namespace mr {

BoxHead::BoxHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const BoxHeadConfig& c)
    : features_(std::move(features)), config_(c), classes_(classes) {
  fc6_ = Linear::of_map(p, prefix + "box_head.fc6", c.size, features_.channels(), c.width, Init::xavier());
  fc7_ = Linear(p, prefix + "box_head.fc7", c.width, c.width, Init::xavier());
  score_ = Linear(p, prefix + "box_predictor.cls_score", c.width, classes + 1, Init::normal(0.01));
  delta_ = Linear(p, prefix + "box_predictor.bbox_pred", c.width, 4 * (classes + 1), Init::normal(0.001));
}

BoxHead::Output BoxHead::run(const Features& f, const Tensor& rois) const {
  Var x = flatten_rows(features_(f, rois, config_.size));  // [R,7·7·C]
  x = fc6_(x, true);                                       // [R,1024]
  x = fc7_(x, true);                                       // [R,1024]
  return {score_(x), delta_(x)};
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
