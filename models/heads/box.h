// The box head: which class a RoI shows, and a better box (Girshick 2015;
// He et al. 2017, Fig. 4 right).
//
//   RoI 7×7×C → fc 1024, ReLU → fc 1024, ReLU → K+1 class scores, 4(K+1) box deltas
//
//   "class"  cross entropy over the sampled RoIs / their number
//   "box"    smooth L1 over those of objects, on the deltas of the object's class / the same number
//
// Prediction: softmax, decode, clip, threshold, NMS by class, the best of all classes.
#pragma once

#include "models/config.h"
#include "models/heads/head.h"
#include "models/heads/roi_features.h"
#include "models/layers.h"

namespace mr {

class BoxHead : public Head {
 public:
  BoxHead(Parameters& p, const std::string& prefix, RoIFeatures features, int64_t classes, const BoxHeadConfig& config);

  std::vector<std::string> names() const override { return names_of(BoxHeadConfig::losses()); }
  Losses losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const override;
  void predict(const Features& f, const Tensor& sizes, Found& found) const override;

 private:
  struct Output {
    Var scores;  // [R,K+1] logits
    Var deltas;  // [R,4(K+1)]
  };
  Output run(const Features& f, const Tensor& rois) const;

  RoIFeatures features_;
  BoxHeadConfig config_;
  int64_t classes_ = 0;
  Linear fc6_, fc7_, score_, delta_;
};

}  // namespace mr
