// Region proposal network (Ren et al. 2015, section 3.1; on a pyramid: Lin et al. 2017, section 4.1).
//
//   P_l ─3×3, ReLU→ h ─1×1→ objectness [N,H,W,A]
//                     ─1×1→ deltas     [N,H,W,4A]          one head for all levels
//
// Every cell of a level has A anchors (one size, several ratios). Proposals: the best of each level by objectness, decoded,
// clipped, small ones dropped, NMS per level, the best of the union. They carry no gradient ("approximate joint training").
//
// Loss: binary cross entropy over the sampled anchors / their number + smooth L1 over the positive ones / the same number.
// Only the ≤ 256 sampled anchors an image carry gradient, out of some 200,000, so the backward of the 3×3 convolution is a gather,
// a small matrix product and a scatter (config.sparse; exact, and 13% of the whole training step saved).
#pragma once

#include <string>
#include <vector>

#include "models/layers.h"
#include "models/padded.h"
#include "models/system.h"

namespace mr {

// Which anchors of an image train the RPN: indices into the anchors of all levels, finest first.
struct AnchorSample {
  std::vector<int32_t> positive, negative;
};

class RPN {
 public:
  // The dense outputs, without gradients.
  struct Output {
    std::vector<Tensor> anchors;     // a level: [H·W·A, 4], pixels of the input
    std::vector<Tensor> objectness;  // a level: [N, H·W·A] f32 logits
    std::vector<Tensor> deltas;      // a level: [N, H·W·A, 4] f32
    std::vector<Tensor> hidden;      // a level: h [N,H,W,C]
  };

  RPN() = default;
  RPN(Parameters& p, const std::string& prefix, int64_t channels, const RPNConfig& config);

  Output operator()(const Features& P, const Shape& images) const;  // images: [N,H,W,3], for the anchors' strides
  // Of each image, [R,4], best first.
  std::vector<Tensor> proposals(const Output& out, const std::vector<ImageSize>& sizes, bool training) const;
  AnchorSample sample(const Output& out, const Batch& batch, size_t image) const;
  // "rpn_objectness" and "rpn_box".
  std::vector<NamedLoss> losses(const Features& P, const Output& out, const Batch& batch, const std::vector<AnchorSample>& samples) const;

  // On a GPU: the same of all images at once, in lists of fixed size.
  struct Dense {
    std::vector<Tensor> anchors;          // a level: [A,4], A = H·W·ratios
    std::vector<Var> objectness, deltas;  // a level: [N,A] and [N,A,4] f32; without gradients where `hidden` is there
    std::vector<Tensor> hidden;           // a level: h [N,H,W,C], what the losses start from (config.sparse)
    std::vector<int64_t> count;           // A of each level
  };
  Dense dense(const Features& P, const Shape& images) const;
  gpu::BoxList proposals(const Dense& out, const Tensor& sizes, bool training) const;
  std::vector<NamedLoss> losses(const Features& P, const Dense& out, const PaddedBatch& goal) const;

 private:
  Tensor anchors(const Features& P, size_t level, const Shape& images) const;  // images: [N,H,W,3]
  struct Row;                                                                  // one sampled anchor: its level, cell and targets
  std::vector<Row> rows(const Output& out, const Batch& batch, const std::vector<AnchorSample>& samples) const;
  Var hidden_rows(const Features& P, const Output& out, const std::vector<Row>& all) const;
  struct AtSamples {
    Var objectness, deltas;  // [N·S,1] and [N·S,4] f32, 0 where there is no anchor; deltas: no object
  };
  AtSamples at_samples(const Features& P, const Dense& out, const Tensor& index, const Tensor& labels) const;  // index, labels: [N,S]

  RPNConfig config_;
  Conv conv_, objectness_, deltas_;
};

}  // namespace mr
