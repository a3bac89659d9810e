#include "models/heads/mask_fcn.h"

namespace mr {
namespace {

std::vector<Conv> make_convs(Parameters& p, const std::string& prefix, int64_t in, const MaskFCNConfig& c) {
  std::vector<Conv> convs;
  for (int64_t i = 0; i < c.convs; ++i) {
    convs.emplace_back(p, str(prefix, i, ".0"), in, c.width, 3, Init::kaiming(), Conv2dOptions{.padding = 1});
    in = c.width;
  }
  return convs;
}

}  // namespace

MaskFCNHead::MaskFCNHead(Parameters& p, const std::string& prefix, const RoIFeatures& features, int64_t classes, const MaskFCNConfig& c)
    : MaskHead(features, c.size),
      convs_(make_convs(p, prefix + "mask_head.", features.channels(), c)),
      predictor_(p, prefix + "mask_predictor.", c.convs > 0 ? c.width : features.channels(), classes, c) {}

std::vector<MaskLogits> MaskFCNHead::run(const Var& x, bool) const {
  Var y = x;                                          // [R,14,14,C]
  for (const Conv& conv : convs_) y = conv(y, true);  // [R,14,14,256]
  return {predictor_.logits(y)};
}

}  // namespace mr
