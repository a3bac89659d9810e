#include "models/heads/box.h"

#include "ops/elementwise/reshape.h"
#include "tensor/stages.h"

namespace mr {
namespace {

const TwoFCConfig& layers_of(const BoxHeadConfig& c) { return as_kind<TwoFCConfig>(c.layers, "model.box"); }

}  // namespace

BoxHead::BoxHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const BoxHeadConfig& c)
    : features_(std::move(features)),
      size_(layers_of(c).size),
      fc6_(Linear::of_map(p, prefix + "box_head.fc6", size_, features_.channels(), layers_of(c).width, Init::xavier())),
      fc7_(p, prefix + "box_head.fc7", layers_of(c).width, layers_of(c).width, Init::xavier()),
      predictor_(p, prefix + "box_predictor.", layers_of(c).width, classes, c) {}

Var BoxHead::run(const Features& f, const Tensor& rois) const {
  Var x = flatten_rows(features_(f, rois, size_));  // [R,7·7·C]
  x = fc6_(x, true);                                // [R,1024]
  return fc7_(x, true);                             // [R,1024]
}

Losses BoxHead::losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch&) const {
  const Stage stage("box head");
  return predictor_.losses(run(f, rois.all.rois), rois.all);
}

void BoxHead::predict(const Features& f, const Tensor& sizes, Found& found) const {
  const Stage stage("box head");
  const BoxRows proposals = to_rows(found.boxes);
  predictor_.predict(run(f, proposals.rois), proposals, sizes, found);
}

std::optional<Candidates> BoxHead::candidates(const Features& f, const BoxList& proposals, const Tensor& sizes) const {
  const Stage stage("box head");
  const BoxRows rows = to_rows(proposals);
  return predictor_.candidates(run(f, rows.rois), rows, sizes);
}

}  // namespace mr
