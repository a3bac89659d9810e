#include "models/heads/box_predictor.h"

#include "models/heads/roi_sampler.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/nms.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/smooth_l1.h"
#include "tensor/stages.h"

namespace mr {

BoxPredictor::BoxPredictor(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const BoxHeadConfig& c)
    : config_(c),
      classes_(classes),
      score_(p, prefix + "cls_score", channels, classes + 1, Init::normal(0.01)),
      delta_(p, prefix + "bbox_pred", channels, 4 * (classes + 1), Init::normal(0.001)) {}

Losses BoxPredictor::losses(const Var& x, const RoITargets& t) const {
  const Divisor sampled = over_labels(t.labels, 0, classes_ + 1);
  return {{"class", softmax_cross_entropy(score_(x), t.labels, sampled)},
          {"box", class_box_loss(delta_(x), t.labels, t.deltas, config_.beta, sampled)}};
}

Candidates BoxPredictor::candidates(const Var& x, const BoxRows& proposals, const Tensor& sizes) const {
  const Tensor scores = score_(x).value().to(DType::f32), deltas = delta_(x).value().to(DType::f32);
  const Stage stage("nms");
  return decode_detections(softmax(scores), deltas, proposals, sizes, roi_coder, static_cast<float>(config_.score),
                           static_cast<float>(config_.min_size));
}

void BoxPredictor::predict(const Var& x, const BoxRows& proposals, const Tensor& sizes, Found& found) const {
  const Candidates c = candidates(x, proposals, sizes);
  const Stage stage("nms");
  const Chosen best = nms(c, static_cast<float>(config_.nms), config_.detections);
  found = {take(c.boxes, best), take(c.scores, best.index), detected_labels(best.index, classes_), {}};
}

}  // namespace mr
