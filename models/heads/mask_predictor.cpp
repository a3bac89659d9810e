#include "models/heads/mask_predictor.h"

#include "ops/boxes/mask_target.h"
#include "ops/conv/deconv2d.h"
#include "ops/elementwise/reshape.h"
#include "ops/elementwise/sigmoid.h"
#include "ops/gemm/class_linear.h"
#include "ops/loss/sigmoid_bce.h"

namespace mr {

MaskPredictor::MaskPredictor(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const MaskPredictorConfig& c)
    : config_(c),
      deconv_w_(p.add(prefix + "conv5_mask.weight", {channels, 2, 2, c.width}, Init::kaiming(), ParameterKind::weight, FileLayout::deconv)),
      deconv_b_(p.add(prefix + "conv5_mask.bias", {c.width}, Init::zeros(), ParameterKind::bias)) {
  const int64_t masks = c.class_agnostic ? 1 : classes + 1;  // channel 0, background's, is never used: torchvision's layout
  logits_ = Conv(p, prefix + "mask_fcn_logits", c.width, masks, 1, Init::normal(0.001));
}

Var MaskPredictor::logits(Var x, const Tensor& labels) const {
  x = deconv2d(x, deconv_w_, deconv_b_, {.stride = 2}, true);  // [R,28,28,256]
  const int64_t R = x.size(0), M = x.size(1), C = x.size(3);
  const Tensor channel = config_.class_agnostic ? one_channel(labels) : labels;
  const Var y = class_linear(reshape(x, {R, M * M, C}), reshape(logits_.w, {logits_.w.size(0), C}), logits_.b, channel);  // [R,28·28]
  return reshape(y, {R, M, M});
}

Losses MaskPredictor::losses(const Var& x, const RoITargets& t, const DeviceBatch& batch) const {
  const int64_t R = t.labels.numel(), M = 2 * x.size(1);
  const Tensor target = mask_targets(batch.masks, t.rois, t.object, static_cast<int>(M),
                                     config_.soft_targets ? MaskRule::torchvision : MaskRule::thresholded);  // [R,28,28]
  const Var z = logits(x, t.labels);  // [R,28,28], of the label's channel alone
  return {{"mask", mask_loss(reshape(z, {R, M, M, 1}), one_channel(t.labels), target)}};
}

void MaskPredictor::predict(const Var& x, Found& found) const {
  found.masks = sigmoid(logits(x, to_rows(found.labels, found.boxes.count))).value().to(DType::f32);
}

}  // namespace mr
