#include "models/heads/mask_fcn.h"

#include "ops/boxes/mask_target.h"
#include "ops/conv/deconv2d.h"
#include "ops/elementwise/reshape.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/gemm/class_linear.h"
#include "ops/loss/sigmoid_bce.h"

namespace mr {

MaskFCNHead::MaskFCNHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const MaskFCNConfig& c)
    : features_(std::move(features)), config_(c) {
  int64_t in = features_.channels();
  for (int64_t i = 0; i < c.convs; ++i) {
    convs_.emplace_back(p, str(prefix, "mask_head.", i, ".0"), in, c.width, 3, Init::kaiming(), Conv2dOptions{.padding = 1});
    in = c.width;
  }
  const std::string tail = prefix + "mask_predictor.";
  deconv_w_ = p.add(tail + "conv5_mask.weight", {in, 2, 2, c.width}, Init::kaiming(), ParameterKind::weight, FileLayout::deconv);
  deconv_b_ = p.add(tail + "conv5_mask.bias", {c.width}, Init::zeros(), ParameterKind::bias);
  const int64_t masks = c.class_agnostic ? 1 : classes + 1;  // channel 0, background's, is never used: torchvision's layout
  logits_ = Conv(p, tail + "mask_fcn_logits", c.width, masks, 1, Init::normal(0.001));
}

Var MaskFCNHead::run(const Features& f, const Tensor& rois, const Tensor& labels) const {
  Var x = features_(f, rois, config_.size);                    // [R,14,14,C]
  for (const Conv& conv : convs_) x = conv(x, true);           // [R,14,14,256]
  x = deconv2d(x, deconv_w_, deconv_b_, {.stride = 2}, true);  // [R,28,28,256]
  const int64_t R = x.size(0), M = x.size(1), C = x.size(3);
  const Tensor channel = config_.class_agnostic ? one_channel(labels) : labels;
  const Var y = class_linear(reshape(x, {R, M * M, C}), reshape(logits_.w, {logits_.w.size(0), C}), logits_.b, channel);  // [R,28·28]
  return reshape(y, {R, M, M});
}

Losses MaskFCNHead::losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const {
  const RoITargets& t = rois.objects;
  const int64_t R = t.labels.numel(), M = 2 * config_.size;
  const Tensor target = mask_targets(batch.masks, t.rois, t.object, static_cast<int>(M),
                                     config_.soft_targets ? MaskRule::torchvision : MaskRule::thresholded);  // [R,28,28]
  const Var logits = run(f, t.rois, t.labels);  // [R,28,28], of the label's channel alone
  return {{"mask", mask_loss(reshape(logits, {R, M, M, 1}), one_channel(t.labels), target)}};
}

void MaskFCNHead::predict(const Features& f, const Tensor&, Found& found) const {
  const Var logits = run(f, to_rows(found.boxes).rois, to_rows(found.labels, found.boxes.count));  // [R,28,28]
  found.masks = sigmoid(logits).value().to(DType::f32);
}

}  // namespace mr
