// The box head of a pyramid: two fully connected layers on each RoI (He et al. 2017, Fig. 4 right).
//
//   RoI 7×7×C → fc 1024, ReLU → fc 1024, ReLU → class scores and box deltas (box_predictor.h)
#pragma once

#include "models/heads/box_predictor.h"
#include "models/heads/roi_features.h"

namespace mr {

class BoxHead : public Head {
 public:
  // Errors: layers of another kind.
  BoxHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const BoxHeadConfig& config);

  std::vector<std::string> names() const override { return names_of(BoxHeadConfig::losses()); }
  Losses losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const override;
  void predict(const Features& f, const Tensor& sizes, Found& found) const override;
  std::optional<Candidates> candidates(const Features& f, const BoxList& proposals, const Tensor& sizes) const override;
  void describe(const Features&, const Tensor&, Found&) const override {}  // nothing beyond the boxes

 private:
  Var run(const Features& f, const Tensor& rois) const;  // [R,5] → [R,1024]

  RoIFeatures features_;
  int64_t size_;
  Linear fc6_, fc7_;
  BoxPredictor predictor_;
};

}  // namespace mr
