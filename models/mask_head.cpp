#include "models/heads.h"
#include "ops/boxes/mask_target.h"
#include "ops/conv/deconv2d.h"
#include "ops/elementwise/reshape.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/gemm/class_linear.h"
#include "ops/loss/sigmoid_bce.h"

namespace mr {

MaskHead::MaskHead(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const MaskHeadConfig& c) : config_(c) {
  int64_t in = channels;
  for (int64_t i = 0; i < c.convs; ++i) {
    convs_.emplace_back(p, prefix + "mask_head." + std::to_string(i) + ".0", in, c.width, 3, Init::kaiming(), Conv2dOptions{.padding = 1});
    in = c.width;
  }
  const std::string tail = prefix + "mask_predictor.";
  deconv_w_ = p.add(tail + "conv5_mask.weight", {in, 2, 2, c.width}, Init::kaiming(), ParameterKind::weight, FileLayout::deconv);
  deconv_b_ = p.add(tail + "conv5_mask.bias", {c.width}, Init::zeros(), ParameterKind::bias);
  const int64_t masks = c.class_agnostic ? 1 : classes + 1;  // channel 0, background's, is never used: torchvision's layout
  logits_w_ = p.add(tail + "mask_fcn_logits.weight", {masks, 1, 1, c.width}, Init::normal(0.001), ParameterKind::weight, FileLayout::conv);
  logits_b_ = p.add(tail + "mask_fcn_logits.bias", {masks}, Init::zeros(), ParameterKind::bias);
}

Var MaskHead::operator()(const Features& P, const Tensor& rois, const Tensor& labels, const RoIConfig& roi) const {
  Var x = pool_rois(P, rois, config_.size, roi);               // [R,14,14,C]
  for (const Conv& conv : convs_) x = conv(x, true);           // [R,14,14,256]
  x = deconv2d(x, deconv_w_, deconv_b_, {.stride = 2}, true);  // [R,28,28,256]
  const int64_t R = x.size(0), M = x.size(1), C = x.size(3);
  const Tensor channel = config_.class_agnostic ? Tensor::zeros({R}, DType::i32) : labels;
  const Var y = class_linear(reshape(x, {R, M * M, C}), reshape(logits_w_, {logits_w_.size(0), C}), logits_b_, channel);  // [R,28·28]
  return reshape(y, {R, M, M});
}

NamedLoss MaskHead::loss(const Features& P, const RoITargets& t, const MaskTable& masks, const RoIConfig& roi) const {
  const int64_t R = t.labels.numel(), M = 2 * config_.size;
  const Tensor target = mask_targets(masks, t.rows.rois, t.object, static_cast<int>(M),
                                     config_.soft_targets ? MaskRule::torchvision : MaskRule::thresholded);  // [R,28,28]
  const Var logits = (*this)(P, t.rows.rois, relabel(t.labels, {.background = -1}), roi);                    // [R,28,28]
  const Tensor channel = relabel(t.labels, {.background = -1, .object = 0});                                 // of the one computed
  return {"mask", mask_loss(reshape(logits, {R, M, M, 1}), channel, target)};
}

void MaskHead::predict(const Features& P, Found& found, const RoIConfig& roi) const {
  const Var logits = (*this)(P, to_rows(found.boxes).rois, to_rows(found.labels, found.boxes.count), roi);  // [R,28,28]
  found.masks = sigmoid(logits).value().to(DType::f32);
}

}  // namespace mr
