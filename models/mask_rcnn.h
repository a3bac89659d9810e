// Mask R-CNN with a feature pyramid (He et al. 2017; Faster R-CNN when the mask head is off).
//
//   image → ResNet → C2…C5 → FPN → P2…P6 → RPN → proposals → RoIAlign on P2…P5 → box head  → class, box
//                                                           RoIAlign on P2…P5 → mask head → mask
//
//   L = L_objectness + L_rpn_box + L_class + L_box + L_mask, each logged apart
//
// It runs where its parameters are (Parameters::move_to). On a GPU nothing waits for the device: losses() and detect() queue their work
// and return, predict() waits for its results. Both devices sample the same anchors and RoIs.
//
// Parameters carry the names of torchvision's maskrcnn_resnet50_fpn, so that its files load by name.
#pragma once

#include <memory>

#include "models/config.h"
#include "models/fpn.h"
#include "models/heads.h"
#include "models/resnet.h"
#include "models/rpn.h"
#include "models/system.h"

namespace mr {

// What the random sampling chose. Given to losses(), it repeats another run's choice.
struct TrainingSample {
  Tensor anchors;  // [N,S] i32, of all levels (ops/boxes/sampler.h); −1: none
  RoISample rois;
};

class MaskRCNN : public System {
 public:
  MaskRCNN(const MaskRCNNConfig& config, uint64_t seed);  // initial weights from the seed

  Parameters& parameters() override { return parameters_; }
  bool trains_masks() const override { return config_.mask.enabled; }
  using System::losses;
  std::vector<NamedLoss> losses(const DeviceBatch& batch) override { return losses(batch, nullptr); }
  std::vector<NamedLoss> losses(const DeviceBatch& batch, const TrainingSample* chosen) const;
  Found detect(const DeviceBatch& batch) const override;

  Features features(const Tensor& images, bool training) const;  // P2 … P6
  // What prediction does before its second stage.
  struct FirstStage {
    Features features;
    RPN::Output rpn;
    BoxList proposals;  // best first
  };
  FirstStage first_stage(const DeviceBatch& batch) const;
  const MaskRCNNConfig& config() const { return config_; }

 private:
  MaskRCNNConfig config_;
  Parameters parameters_;
  ResNet backbone_;
  FPN fpn_;
  RPN rpn_;
  BoxHead box_;
  MaskHead mask_;
};

std::unique_ptr<System> make_mask_rcnn(const MaskRCNNConfig& config, uint64_t seed);

}  // namespace mr
