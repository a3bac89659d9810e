// The second stage on a GPU: what box_head.cpp and mask_head.cpp do, over lists of fixed size.
#include "models/heads.h"
#include "ops/elementwise/reshape.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/loss/cross_entropy.h"
#include "ops/loss/loss_gpu.h"
#include "ops/loss/sigmoid_bce.h"
#include "ops/loss/smooth_l1.h"

namespace mr {

BoxHead::List BoxHead::sample(const gpu::BoxList& proposals, const PaddedBatch& goal) const {
  const gpu::BoxList all = gpu::append(proposals.boxes, proposals.count, goal.boxes, goal.count);  // [N,R+G,4]
  const Tensor match = gpu::match_boxes(goal.boxes, goal.count, all.boxes, all.count, static_cast<float>(config_.positive_iou),
                                        static_cast<float>(config_.negative_iou), false);
  const Tensor index =
      gpu::sample_balanced(match, static_cast<int>(config_.batch), config_.positive_fraction, goal.roi_rng).index;  // [N,S]
  const auto positive = static_cast<int64_t>(static_cast<double>(config_.batch) * config_.positive_fraction);
  return {gpu::box_targets(all.boxes, match, index, goal.boxes, goal.labels, coder),
          gpu::box_targets(all.boxes, match, gpu::first_columns(index, positive), goal.boxes, goal.labels, coder)};
}

std::vector<NamedLoss> BoxHead::losses(const Output& out, const gpu::BoxTargets& t) const {
  const int64_t R = t.labels.numel();
  const Tensor labels = t.labels.reshape({R});
  const Divisor divisor(gpu::count_labels(labels, 0, classes_ + 1));
  return {{"class", softmax_cross_entropy(out.scores, labels, divisor)},
          {"box", class_box_loss(out.deltas, labels, t.deltas.reshape({R, 4}), config_.beta, divisor)}};
}

DetectionList BoxHead::detections(const Output& out, const gpu::BoxList& proposals, const Tensor& sizes) const {
  const gpu::Candidates c =
      gpu::decode_detections(softmax(out.scores.value().to(DType::f32)), out.deltas.value().to(DType::f32), proposals.boxes,
                             proposals.count, sizes, coder, static_cast<float>(config_.score), static_cast<float>(config_.min_size));
  const gpu::Chosen kept =
      gpu::nms(c.boxes, c.scores, {.count = classes_, .interleaved = true}, static_cast<float>(config_.nms), config_.detections);
  return {gpu::take(c.boxes, kept.index), gpu::take(c.scores, kept.index), gpu::detected_labels(kept.index, classes_), kept.count, {}};
}

NamedLoss MaskHead::loss(const Features& P, const gpu::BoxTargets& t, const PaddedBatch& goal, const RoIConfig& roi) const {
  const int64_t R = t.labels.numel(), M = 2 * config_.size;
  const Tensor labels = t.labels.reshape({R});  // 0 where there were fewer objects
  const Tensor target = gpu::mask_targets(goal.masks, t.rois, t.gt, static_cast<int>(M),
                                          config_.soft_targets ? MaskRule::torchvision : MaskRule::thresholded);
  const Var logits = (*this)(P, t.rois, gpu::relabel(labels, {.background = -1}), roi);  // [R,28,28], 0 where there is no object
  return {"mask", mask_loss(reshape(logits, {R, M, M, 1}), gpu::relabel(labels, {.background = -1, .object = 0}), target)};
}

void MaskHead::predict(const Features& P, DetectionList& found, const RoIConfig& roi) const {
  const int64_t N = found.boxes.size(0), D = found.boxes.size(1), M = 2 * config_.size;
  const Var logits = (*this)(P, gpu::to_rois(found.boxes), found.labels.reshape({N * D}), roi);  // [N·D,28,28]
  found.masks = sigmoid(logits).value().to(DType::f32).reshape({N, D, M, M});
}

}  // namespace mr
