// The head of a ResNet without a pyramid (C4): its last stage, on each RoI of res4's map
// (He et al. 2017, Fig. 4 left).
//
//   RoI 7×7×1024 → res5, its first block of stride 1 → 7×7×2048 → mean → class scores and box deltas (box_predictor.h)
//                                                               → masks of 14×14 (mask_predictor.h)
//
// This is the paper's form; its release (Detectron, detectron2) has RoIs of 14×14 and a res5 of
// stride 2, whose 1×1 convolutions read every second bin. The two differ in where they look: the
// bins that are read are centred on (2i + ½)/14 of the RoI there, on (i + ½)/7 here, a quarter of a
// bin to the right and below.
//
// In training res5 runs once on each sampled RoI: the masks are those of the RoIs with an object
// among them. In prediction it runs on the proposals, and for the masks on the boxes found.
// Parameters: "backbone.body.layer4.", as in the trunk, so that a classifier's weights fill it.
#pragma once

#include <optional>

#include "models/backbones/resnet.h"
#include "models/heads/box_predictor.h"
#include "models/heads/mask_predictor.h"
#include "models/heads/roi_features.h"

namespace mr {

class Res5Head : public Head {
 public:
  // mask: null without masks.
  Res5Head(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const ResNetConfig& resnet,
           const BoxHeadConfig& config, const Res5Config& layers, const MaskPredictorConfig* mask);

  std::vector<std::string> names() const override;
  bool masks() const override { return masks_.has_value(); }
  Losses losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const override;
  void predict(const Features& f, const Tensor& sizes, Found& found) const override;
  std::optional<Candidates> candidates(const Features& f, const BoxList& proposals, const Tensor& sizes) const override;
  void describe(const Features& f, const Tensor& sizes, Found& found) const override;

 private:
  Var run(const Features& f, const Tensor& rois, bool training) const;  // [R,5] → [R,7,7,2048]

  RoIFeatures features_;
  int64_t bins_;
  ResNetStage res5_;
  BoxPredictor boxes_;
  std::optional<MaskPredictor> masks_;
};

}  // namespace mr
