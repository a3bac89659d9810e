// The mask head of a pyramid: a small fully convolutional network on each RoI
// (He et al. 2017, section 3 and Fig. 4 right).
//
//   RoI 14×14×C → 4 × (3×3, 256, ReLU) → deconv 2×2/2, ReLU → 28×28×256 → 1×1 → K masks
//
//   "mask"   mean binary cross entropy over the RoIs of objects, on the channel of the object's class
//
// Mask logits are computed for one class a RoI only: the ground truth's in training,
// the predicted one's afterwards.
#pragma once

#include "models/config.h"
#include "models/heads/head.h"
#include "models/heads/roi_features.h"
#include "models/layers.h"

namespace mr {

class MaskFCNHead : public Head {
 public:
  MaskFCNHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const MaskFCNConfig& config);

  std::vector<std::string> names() const override { return names_of(MaskFCNConfig::losses()); }
  bool masks() const override { return true; }
  Losses losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const override;
  void predict(const Features& f, const Tensor& sizes, Found& found) const override;

 private:
  // Logits of channel labels[r], [R,2·size,2·size]; 0 where the label is −1.
  Var run(const Features& f, const Tensor& rois, const Tensor& labels) const;

  RoIFeatures features_;
  MaskFCNConfig config_;
  std::vector<Conv> convs_;
  Var deconv_w_, deconv_b_;
  Conv logits_;
};

}  // namespace mr
