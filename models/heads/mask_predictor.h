// Masks from a map of each RoI (He et al. 2017, Fig. 4).
//
//   x [R,S,S,C] → deconv 2×2/2, ReLU → 2S×2S×256 → 1×1 → K masks (mask.h)
//
// With a second deconvolution behind the first, masks are of 4S×4S.
#pragma once

#include "models/heads/mask.h"

namespace mr {

class MaskPredictor {
 public:
  // Parameters: <prefix>conv5_mask (conv6_mask, …) and mask_fcn_logits.
  MaskPredictor(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const MaskPredictorConfig& config);

  const MaskOutput& output() const { return output_; }
  MaskLogits logits(Var x) const;

  Losses losses(const Var& x, const RoITargets& objects, const DeviceBatch& batch) const {
    return output_.losses({logits(x)}, objects, batch);
  }
  // Of the maps of what was found: Found::masks.
  void predict(const Var& x, Found& found) const { output_.predict({logits(x)}, found); }

 private:
  MaskOutput output_;
  std::vector<Deconv> deconvs_;
  Conv logits_;
};

}  // namespace mr
