// What is told of a RoI from its vector: which class it shows, and a better box (Girshick 2015).
//
//   x [R,C] → K+1 class scores, 4(K+1) box deltas
//
//   "class"  cross entropy over the sampled RoIs / their number
//   "box"    smooth L1 over those of objects, on the deltas of the object's class / the same number
//
// Prediction: softmax, decode, clip, threshold, NMS by class, the best of all classes.
#pragma once

#include "models/config.h"
#include "models/heads/head.h"
#include "models/layers.h"

namespace mr {

class BoxPredictor {
 public:
  // Parameters: <prefix>cls_score and bbox_pred.
  BoxPredictor(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const BoxHeadConfig& config);

  Losses losses(const Var& x, const RoITargets& t) const;
  // Of the vectors of the proposals that `found` has, which become detections.
  // sizes [N,2] i32: height and width of each image.
  // Those that compete for being kept.
  Candidates candidates(const Var& x, const BoxRows& proposals, const Tensor& sizes) const;
  void predict(const Var& x, const BoxRows& proposals, const Tensor& sizes, Found& found) const;

 private:
  BoxHeadConfig config_;
  int64_t classes_;
  Linear score_;  // [R,K+1] logits
  Linear delta_;  // [R,4(K+1)]
};

}  // namespace mr
