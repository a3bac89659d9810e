#include "models/heads/mask.h"

#include "ops/boxes/mask_target.h"
#include "ops/elementwise/add.h"
#include "ops/elementwise/reshape.h"
#include "ops/elementwise/scale.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/gemm/class_linear.h"
#include "ops/loss/class_masks.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/sigmoid_bce.h"
#include "tensor/stages.h"

namespace mr {
namespace {

Var mean_of(const std::vector<Var>& terms) {
  Var sum = terms.front();
  for (size_t i = 1; i < terms.size(); ++i) sum = sum + terms[i];
  return terms.size() == 1 ? sum : scale(sum, 1.0 / static_cast<double>(terms.size()));
}

}  // namespace

MaskLogits pixel_logits(const Conv& layer, const Var& x) {
  const int64_t R = x.size(0), M = x.size(1), C = x.size(3);
  const auto of = [=](const Tensor& channel) {
    const Var y = class_linear(reshape(x, {R, M * M, C}), reshape(layer.w, {layer.w.size(0), C}), layer.b, channel);  // [R,M·M]
    return reshape(y, {R, M, M});
  };
  return {M, of, [layer, x] { return layer(x); }};
}

Var MaskOutput::loss(const MaskLogits& z, const Tensor& labels, const Tensor& targets) const {
  if (config_.loss == MaskLoss::softmax) return softmax_mask_loss(z.all(), labels, targets);
  const int64_t R = labels.numel();
  const Tensor one = one_channel(labels);
  const Var own = z.of(config_.class_agnostic ? one : labels);  // [R,M,M], of the label's channel alone
  return mask_loss(reshape(own, {R, z.side, z.side, 1}), one, targets);
}

Losses MaskOutput::losses(const std::vector<MaskLogits>& masks, const RoITargets& t, const DeviceBatch& batch) const {
  const Tensor targets = mask_targets(batch.masks, t.rois, t.object, static_cast<int>(masks.front().side),
                                      config_.soft_targets ? MaskRule::torchvision : MaskRule::thresholded);  // [R,M,M]
  std::vector<Var> terms;
  for (const MaskLogits& z : masks) terms.push_back(loss(z, t.labels, targets));
  return {{"mask", mean_of(terms)}};
}

Tensor MaskOutput::probabilities(const MaskLogits& z, const Tensor& labels) const {
  if (config_.loss == MaskLoss::softmax) return class_masks(z.all().value(), labels, config_.softmax_rule);
  return sigmoid(z.of(config_.class_agnostic ? one_channel(labels) : labels)).value().to(DType::f32);
}

void MaskOutput::predict(const std::vector<MaskLogits>& masks, Found& found) const {
  const Tensor labels = to_rows(found.labels, found.boxes.count);
  std::vector<Var> all;
  for (const MaskLogits& z : masks) all.emplace_back(probabilities(z, labels));
  found.masks = mean_of(all).value();
}

Losses MaskHead::losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const {
  const Stage stage("mask head");
  return output().losses(run(features_(f, rois.objects.rois, bins_), true), rois.objects, batch);
}

void MaskHead::predict(const Features& f, const Tensor&, Found& found) const {
  const Stage stage("mask head");
  output().predict(run(features_(f, to_rows(found.boxes).rois, bins_), false), found);
}

}  // namespace mr
