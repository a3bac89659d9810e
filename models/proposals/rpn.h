// Region proposal network (Ren et al. 2015, section 3.1; on a pyramid:
// Lin et al. 2017, section 4.1).
//
//   P_l ─3×3, ReLU→ h ─1×1→ objectness [N,H,W,A]
//                     ─1×1→ deltas     [N,H,W,4A]          one head for all levels
//
// Every cell of a level has A anchors: several ratios of one size a level, or of all sizes where
// there is one level alone (C4). Proposals: the best of each level
// by objectness, decoded, clipped, small ones dropped, NMS per level, the best of the union. They
// carry no gradient ("approximate joint training").
//
// Loss: binary cross entropy over the sampled anchors / their number + smooth L1 over the positive
// ones / the same number.
// Only the ≤ 256 sampled anchors an image carry gradient, out of some 200,000, so the backward of
// the 3×3 convolution is a gather, a small matrix product and a scatter (conv2d_relu_at; exact, and
// 13% of the whole training step saved).
#pragma once

#include "models/config.h"
#include "models/layers.h"
#include "models/proposals/proposer.h"

namespace mr {

class RPN : public Proposer {
 public:
  struct Output {                    // no gradients: the losses ask the maps again, at the anchors that were sampled
    std::vector<Tensor> anchors;     // a level: [A_l,4], pixels of the input, A_l = H·W·A
    std::vector<Tensor> objectness;  // a level: [N,A_l] f32 logits
    std::vector<Tensor> deltas;      // a level: [N,A_l,4] f32
    std::vector<Tensor> hidden;      // a level: h [N,H,W,C], where gradients are wanted
  };

  // Errors: another number of anchor sizes than of levels, of which there are several.
  RPN(Parameters& p, const std::string& prefix, const std::vector<Level>& levels, const RPNConfig& config);

  std::vector<std::string> names() const override { return names_of(RPNConfig::losses()); }
  int64_t channels() const override { return conv_.w.size(0); }
  Proposed train(const Features& f, const DeviceBatch& batch) const override;
  Proposed predict(const Features& f, const DeviceBatch& batch) const override;

  Output run(const Features& f, const Shape& images) const;  // images: [N,H,W,3], for the anchors' strides
  // sizes [N,2] i32: height and width of each image without padding.
  BoxList proposals(const Output& out, const Tensor& sizes, bool training) const;

 private:
  Proposed ranked(const Output& out, const Tensor& sizes, bool training) const;
  Tensor anchors(const Features& f, size_t level, const Shape& images) const;
  Losses losses(const Features& f, const Output& out, const DeviceBatch& batch) const;

  RPNConfig config_;
  std::vector<std::vector<double>> sizes_;  // of the anchors of each level
  Conv conv_, objectness_, deltas_;
};

}  // namespace mr
