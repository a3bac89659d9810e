#include "models/heads/mask_predictor.h"

namespace mr {

MaskPredictor::MaskPredictor(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const MaskPredictorConfig& c)
    : output_(c, classes) {
  for (int64_t i = 0; i < c.deconvs; ++i) {
    deconvs_.emplace_back(p, str(prefix, "conv", 5 + i, "_mask"), channels, c.width);
    channels = c.width;
  }
  logits_ = Conv(p, prefix + "mask_fcn_logits", c.width, output_.channels(), 1, Init::normal(0.001));
}

MaskLogits MaskPredictor::logits(Var x) const {
  for (const Deconv& deconv : deconvs_) x = deconv(x, true);  // [R,28,28,256]
  return pixel_logits(logits_, x);
}

}  // namespace mr
