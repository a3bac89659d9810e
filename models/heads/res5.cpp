#include "models/heads/res5.h"

#include "ops/elementwise/gather.h"
#include "ops/pool/avg_pool.h"
#include "tensor/stages.h"

namespace mr {

Res5Head::Res5Head(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const ResNetConfig& resnet,
                   const BoxHeadConfig& c, const Res5Config& layers, const MaskPredictorConfig* mask)
    : features_(std::move(features)),
      bins_(layers.bins),
      res5_(p, "backbone.body.", resnet, {.number = 5, .stride = static_cast<int>(layers.stride)}),
      boxes_(p, prefix + "box_predictor.", resnet.outer_width(5), classes, c) {
  if (mask != nullptr) masks_.emplace(p, prefix + "mask_predictor.", resnet.outer_width(5), classes, *mask);
}

std::vector<std::string> Res5Head::names() const {
  std::vector<LossTerm> terms = BoxHeadConfig::losses();
  if (masks_)
    for (const LossTerm& t : MaskPredictorConfig::losses()) terms.push_back(t);
  return names_of(terms);
}

Var Res5Head::run(const Features& f, const Tensor& rois, bool training) const {
  return res5_(features_(f, rois, bins_), training);  // [R,7,7,1024] → [R,7,7,2048]
}

Losses Res5Head::losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const {
  const Stage boxes("box head");
  const Var x = run(f, rois.all.rois, true);
  Losses losses = boxes_.losses(global_average_pool(x), rois.all);
  if (!masks_) return losses;
  const Stage masks("mask head");
  for (NamedLoss& l : masks_->losses(gather_rows(x, rois.object_rows), rois.objects, batch)) losses.push_back(std::move(l));
  return losses;
}

void Res5Head::predict(const Features& f, const Tensor& sizes, Found& found) const {
  const Stage boxes("box head");
  const BoxRows proposals = to_rows(found.boxes);
  boxes_.predict(global_average_pool(run(f, proposals.rois, false)), proposals, sizes, found);
  describe(f, sizes, found);
}

std::optional<Candidates> Res5Head::candidates(const Features& f, const BoxList& proposals, const Tensor& sizes) const {
  const Stage stage("box head");
  const BoxRows rows = to_rows(proposals);
  return boxes_.candidates(global_average_pool(run(f, rows.rois, false)), rows, sizes);
}

void Res5Head::describe(const Features& f, const Tensor&, Found& found) const {
  if (!masks_) return;
  const Stage masks("mask head");
  masks_->predict(run(f, to_rows(found.boxes).rois, false), found);
}

}  // namespace mr
