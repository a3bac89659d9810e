// Networks of two stages: a backbone, a proposer, and heads that look at each proposal.
//
//   image → backbone → feature maps → proposer → boxes
//                                   → each head, on the RoIs of these boxes
//
// Faster R-CNN (Ren et al. 2015) has a box head; Mask R-CNN (He et al. 2017) a mask head behind it:
//
//   image → ResNet → C2…C5 → FPN → P2…P6 → RPN → proposals → RoIAlign on P2…P5 → box head  → class, box
//                                                           RoIAlign on P2…P5 → mask head → mask
//
// and without a pyramid, on one map (C4): a RoI goes through res5, and boxes and masks are told from what that gives:
//
//   image → ResNet → C4 → RPN → proposals → RoIAlign on C4 → res5 → class, box, mask
//
//   L = L_objectness + L_rpn_box + L_class + L_box + L_mask, each logged apart
//
// Parameters carry the names of torchvision's maskrcnn_resnet50_fpn, so that its files load by name.
#pragma once

#include <memory>
#include <optional>

#include "models/config.h"
#include "models/heads/head.h"
#include "models/heads/roi_sampler.h"
#include "models/proposals/proposer.h"

namespace mr {

class RCNN : public System {
 public:
  struct Parts {
    std::unique_ptr<Backbone> backbone;
    std::unique_ptr<Proposer> proposer;
    std::vector<std::unique_ptr<Head>> heads;  // in the order in which they predict
  };
  // `make` makes the parts, whose parameters it adds. They have no values before
  // parameters().pack(seed).
  template <class Make> RCNN(const RoISampler& sampler, Make&& make) : sampler_(sampler), parts_(make(parameters_)) {}

  Parameters& parameters() override { return parameters_; }
  Traits traits() const override;
  Losses losses(const DeviceBatch& batch) override;
  Found detect(const DeviceBatch& batch) const override;

  Features features(const DeviceBatch& batch, bool training) const;
  // The boxes alone that detect() looks at, with their scores.
  Proposed propose(const DeviceBatch& batch) const;
  // detect() in two halves (Head::candidates): the boxes that compete for being kept, of the head
  // that finds boxes; and what all heads say of boxes that stand, in pixels of the batch.
  Candidates candidates(const DeviceBatch& batch) const;
  void describe(const DeviceBatch& batch, Found& found) const;

  const Parts& parts() const { return parts_; }

 private:
  Parameters parameters_;
  RoISampler sampler_;
  Parts parts_;
};

// seed: of the initial weights; none: they are not drawn, and the network is names and shapes.
// Errors: a field that no model can be built with.
std::unique_ptr<RCNN> make_rcnn(const RCNNConfig& config, int64_t classes, std::optional<uint64_t> seed);

}  // namespace mr
