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

MaskFCNHead::MaskFCNHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const MaskFCNConfig& c)
    : features_(std::move(features)),
      size_(c.size),
      convs_(make_convs(p, prefix + "mask_head.", features_.channels(), c)),
      predictor_(p, prefix + "mask_predictor.", c.convs > 0 ? c.width : features_.channels(), classes, c) {}

Var MaskFCNHead::run(const Features& f, const Tensor& rois) const {
  Var x = features_(f, rois, size_);                  // [R,14,14,C]
  for (const Conv& conv : convs_) x = conv(x, true);  // [R,14,14,256]
  return x;
}

Losses MaskFCNHead::losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const {
  return predictor_.losses(run(f, rois.objects.rois), rois.objects, batch);
}

void MaskFCNHead::predict(const Features& f, const Tensor&, Found& found) const {
  predictor_.predict(run(f, to_rows(found.boxes).rois), found);
}

}  // namespace mr
