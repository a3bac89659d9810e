// The second stage: what is done with each region of interest (He et al. 2017, section 3 and Fig. 4 right).
//
//   box head    RoI 7×7×C  → fc 1024, ReLU → fc 1024, ReLU → K+1 class scores, 4(K+1) box deltas
//   mask head   RoI 14×14×C → 4 × (3×3, 256, ReLU) → deconv 2×2/2, ReLU → 28×28×256 → 1×1 → K masks
//
// Mask logits are computed for one class a RoI only: the ground truth's in training, the predicted one's afterwards.
#pragma once

#include <string>
#include <vector>

#include "models/layers.h"
#include "models/system.h"
#include "ops/boxes/box_coder.h"
#include "ops/boxes/targets.h"

namespace mr {

// RoIAlign, or another operator of its family, over P2 … P5, each RoI on the level that fits its size.  rois [R,5] → [R,size,size,C]
Var pool_rois(const Features& P, const Tensor& rois, int64_t size, const RoIConfig& config);

// The RoIs that train the second stage.
struct RoISample {
  BoxList boxes;   // proposals and objects
  Tensor match;    // [N,room] i32 (ops/boxes/matcher.h)
  Sampled chosen;  // places among them
};

class BoxHead {
 public:
  struct Output {
    Var scores;  // [R,K+1] logits
    Var deltas;  // [R,4(K+1)]
  };
  BoxHead() = default;
  BoxHead(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const BoxHeadConfig& config);

  Output operator()(const Features& P, const Tensor& rois, const RoIConfig& roi) const;
  // Objects are added to the proposals; IoU decides the label; at most `batch` are kept, a quarter of them objects.
  RoISample sample(const BoxList& proposals, const DeviceBatch& batch) const;
  RoITargets targets(const RoISample& sampled, const DeviceBatch& batch) const;
  // Of these the RoIs of objects, for the heads behind: at most batch · positive_fraction an image.
  RoITargets objects(const RoISample& sampled, const DeviceBatch& batch) const;
  // "class" and "box".
  std::vector<NamedLoss> losses(const Output& out, const RoITargets& targets) const;
  // Softmax, decode, clip, threshold, NMS per class, the best of all classes.
  Found detections(const Output& out, const BoxRows& proposals, const Tensor& sizes) const;

 private:
  // 1/standard deviation of the deltas, so that all four targets are of order one.
  static constexpr BoxCoder coder{.wx = 10, .wy = 10, .ww = 5, .wh = 5};
  BoxHeadConfig config_;
  int64_t classes_ = 0;
  Var fc6_w_, fc6_b_, fc7_w_, fc7_b_, score_w_, score_b_, delta_w_, delta_b_;
};

class MaskHead {
 public:
  MaskHead() = default;
  MaskHead(Parameters& p, const std::string& prefix, int64_t channels, int64_t classes, const MaskHeadConfig& config);

  // Logits of channel labels[r], [R,2·size,2·size].
  Var operator()(const Features& P, const Tensor& rois, const Tensor& labels, const RoIConfig& roi) const;
  // "mask": mean binary cross entropy over the RoIs of objects, on the channel of the object's class.
  NamedLoss loss(const Features& P, const RoITargets& objects, const MaskTable& masks, const RoIConfig& roi) const;
  void predict(const Features& P, Found& found, const RoIConfig& roi) const;

 private:
  MaskHeadConfig config_;
  std::vector<Conv> convs_;
  Var deconv_w_, deconv_b_, logits_w_, logits_b_;
};

}  // namespace mr
