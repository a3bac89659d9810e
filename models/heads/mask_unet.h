// Masks by a U-Net on each RoI (unet.h), which sees more of it than an FCN: RoIs are 28×28 or 56×56,
// and so are the masks.
//
//   RoI S×S×C → U-Net → S×S×64 → 1×1 → K masks of S×S
//
//   U-Net++  each of its results has a 1×1 of its own; their losses are averaged (mask.h), and at test their masks, or the last is taken
//
// For 256 channels in and 80 out:
//   S = 28, widths 64 128 256        2,013,712 parameters, 421 million multiply-adds a RoI; U-Net++ 2,199,328 and 544
//   S = 56, widths 64 128 256 256    5,226,256 and 2103; U-Net++ 6,355,632 and 3683        (the FCN of 28: 2,643,280 and 530)
#pragma once

#include "models/heads/mask.h"
#include "models/heads/unet.h"

namespace mr {

class MaskUNetHead : public MaskHead {
 public:
  // Parameters: <prefix>mask_head.* of the U-Net, and mask_predictor.logits.0, 1, …
  MaskUNetHead(Parameters& p, const std::string& prefix, const RoIFeatures& features, int64_t classes, const MaskUNetConfig& config);

 protected:
  const MaskOutput& output() const override { return output_; }
  std::vector<MaskLogits> run(const Var& x, bool training) const override;

 private:
  MaskOutput output_;
  UNet net_;
  UNetTest at_test_;
  std::vector<Conv> logits_;  // of the last results of the network
};

}  // namespace mr
