// The mask head of a pyramid: a small fully convolutional network on each RoI
// (He et al. 2017, section 3 and Fig. 4 right).
//
//   RoI 14×14×C → 4 × (3×3, 256, ReLU) → masks of 28×28 (mask_predictor.h)
#pragma once

#include "models/heads/mask_predictor.h"

namespace mr {

class MaskFCNHead : public MaskHead {
 public:
  MaskFCNHead(Parameters& p, const std::string& prefix, const RoIFeatures& features, int64_t classes, const MaskFCNConfig& config);

 protected:
  const MaskOutput& output() const override { return predictor_.output(); }
  std::vector<MaskLogits> run(const Var& x, bool training) const override;

 private:
  std::vector<Conv> convs_;
  MaskPredictor predictor_;
};

}  // namespace mr
