// Masks by fully connected layers: what the paper compares its FCN with (He et al. 2017, Table 2e).
//
//   RoI 7×7×C → 2 or 3 × (fc 1024, ReLU) → fc → K masks of 28×28
//
// A pixel's place is told by which row of the last layer it comes from, so each has weights of its
// own: 80 classes take 64 million, an FCN 2.6. The paper does not say what the layers see: here the
// RoI of the box head.
// Rows of the last layer: a class's pixels lie together, class by class.
#pragma once

#include "models/heads/mask.h"

namespace mr {

class MaskMLPHead : public MaskHead {
 public:
  // Parameters: <prefix>mask_head.fc1, fc2, … and mask_predictor.logits.
  MaskMLPHead(Parameters& p, const std::string& prefix, const RoIFeatures& features, int64_t classes, const MaskMLPConfig& config);

 protected:
  const MaskOutput& output() const override { return output_; }
  std::vector<MaskLogits> run(const Var& x, bool training) const override;

 private:
  MaskOutput output_;
  int64_t side_;
  std::vector<Linear> hidden_;
  Linear logits_;
};

}  // namespace mr
