#include "models/heads/mask_unet.h"

namespace mr {

MaskUNetHead::MaskUNetHead(Parameters& p, const std::string& prefix, const RoIFeatures& features, int64_t classes, const MaskUNetConfig& c)
    : MaskHead(features, c.size),
      output_(c, classes),
      net_(p, prefix + "mask_head.", features.channels(), c.widths, c.nested),
      at_test_(c.at_test) {
  const size_t masks = c.nested && c.supervise_all ? c.widths.size() - 1 : 1;
  for (size_t i = 0; i < masks; ++i)
    logits_.emplace_back(p, str(prefix, "mask_predictor.logits.", i), c.widths.front(), output_.channels(), 1, Init::normal(0.001));
}

std::vector<MaskLogits> MaskUNetHead::run(const Var& x, bool training) const {
  const std::vector<Var> maps = net_(x);  // [R,S,S,64] each
  const size_t skipped = maps.size() - logits_.size();
  std::vector<MaskLogits> masks;
  for (size_t i = training || at_test_ == UNetTest::mean ? 0 : logits_.size() - 1; i < logits_.size(); ++i)
    masks.push_back(pixel_logits(logits_[i], maps[skipped + i]));
  return masks;
}

}  // namespace mr
