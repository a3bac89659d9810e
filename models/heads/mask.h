// What all mask heads share (He et al. 2017, section 3): the targets, the losses, and what becomes of
// the logits in prediction. A kind of head is what it makes of a RoI.
//
//   "mask"   sigmoid  mean binary cross entropy over the RoIs of objects, on the channel of the object's class (ops/loss/sigmoid_bce.h)
//            softmax  mean cross entropy of their pixels: the object's class inside its mask, background outside (ops/loss/cross_entropy.h)
//            of a network that gives several masks of each RoI: the mean of their losses
//   masks    sigmoid of the predicted class's channel; or what softmax_rule makes of all channels (ops/loss/class_masks.h); of several, the mean
//
// Channels: one, or one a class behind the background's, 0. A sigmoid's background is never used; so
// the weights of both losses are alike, and torchvision's.
#pragma once

#include <functional>

#include "models/config.h"
#include "models/heads/head.h"
#include "models/heads/roi_features.h"
#include "models/layers.h"

namespace mr {

// Logits of a mask of each RoI that are still to be computed: a sigmoid needs one channel a RoI.
struct MaskLogits {
  int64_t side = 0;                              // M
  std::function<Var(const Tensor& channel)> of;  // [R] i32 → [R,M,M]; 0 where it is −1
  std::function<Var()> all;                      // → [R,M,M,channels]
};

// Of the pixels of a map, x [R,M,M,C], by a 1×1 convolution.
MaskLogits pixel_logits(const Conv& layer, const Var& x);

class MaskOutput {
 public:
  MaskOutput(const MaskOutputConfig& config, int64_t classes) : config_(config), classes_(classes) {}

  int64_t channels() const { return config_.class_agnostic ? 1 : classes_ + 1; }
  Losses losses(const std::vector<MaskLogits>& masks, const RoITargets& objects, const DeviceBatch& batch) const;
  // Of what was found: Found::masks.
  void predict(const std::vector<MaskLogits>& masks, Found& found) const;

 private:
  Var loss(const MaskLogits& z, const Tensor& labels, const Tensor& targets) const;
  Tensor probabilities(const MaskLogits& z, const Tensor& labels) const;  // [R,M,M] f32

  MaskOutputConfig config_;
  int64_t classes_;
};

class MaskHead : public Head {
 public:
  // bins: of the RoIs that it sees, along each axis.
  MaskHead(RoIFeatures features, int64_t bins) : features_(std::move(features)), bins_(bins) {}

  std::vector<std::string> names() const final { return names_of(MaskOutputConfig::losses()); }
  bool masks() const final { return true; }
  Losses losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const final;
  void predict(const Features& f, const Tensor& sizes, Found& found) const final;

 protected:
  virtual const MaskOutput& output() const = 0;
  // x [R,bins,bins,C] → one mask of each RoI, or several of the same size.
  virtual std::vector<MaskLogits> run(const Var& x, bool training) const = 0;

 private:
  RoIFeatures features_;
  int64_t bins_;
};

}  // namespace mr
