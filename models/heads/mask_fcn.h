// The mask head of a pyramid: a small fully convolutional network on each RoI
// (He et al. 2017, section 3 and Fig. 4 right).
//
//   RoI 14×14×C → 4 × (3×3, 256, ReLU) → masks of 28×28 (mask_predictor.h)
#pragma once

#include "models/heads/mask_predictor.h"
#include "models/heads/roi_features.h"

namespace mr {

class MaskFCNHead : public Head {
 public:
  MaskFCNHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const MaskFCNConfig& config);

  std::vector<std::string> names() const override { return names_of(MaskFCNConfig::losses()); }
  bool masks() const override { return true; }
  Losses losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const override;
  void predict(const Features& f, const Tensor& sizes, Found& found) const override;

 private:
  Var run(const Features& f, const Tensor& rois) const;  // [R,5] → [R,14,14,256]

  RoIFeatures features_;
  int64_t size_;
  std::vector<Conv> convs_;
  MaskPredictor predictor_;
};

}  // namespace mr
