// Masks from a map of each RoI (He et al. 2017, Fig. 4).
//
//   x [R,S,S,C] → deconv 2×2/2, ReLU → 2S×2S×256 → 1×1 → K masks
//
//   "mask"   mean binary cross entropy over the RoIs of objects, on the channel of the object's class
//
// Mask logits are computed for one class a RoI only: the ground truth's in training,
// the predicted one's afterwards.
#pragma once

#include "models/config.h"
#include "models/heads/head.h"
#include "models/layers.h"

namespace mr {

class MaskPredictor {
 public:
  // Parameters: <prefix>conv5_mask and mask_fcn_logits.
  MaskPredictor(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const MaskPredictorConfig& config);

  Losses losses(const Var& x, const RoITargets& objects, const DeviceBatch& batch) const;
  // Of the maps of what was found: Found::masks.
  void predict(const Var& x, Found& found) const;

 private:
  // Logits of channel labels[r], [R,2S,2S]; 0 where the label is −1.
  Var logits(Var x, const Tensor& labels) const;

  MaskPredictorConfig config_;
  Var deconv_w_, deconv_b_;
  Conv logits_;
};

}  // namespace mr
