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
#include "models/padded.h"
#include "models/system.h"
#include "ops/boxes/box_coder.h"

namespace mr {

// RoIAlign, or another operator of its family, over P2 … P5, each RoI on the level that fits its size.  rois [R,5] → [R,size,size,C]
Var pool_rois(const Features& P, const Tensor& rois, int64_t size, const RoIConfig& config);

// [R_i,4] of each image → [R,5] with the image's index in front
Tensor to_rois(const std::vector<Tensor>& boxes);

// The RoIs of one image that train the second stage, with their targets.
struct RoISample {
  Tensor boxes;                 // [R,4] f32
  std::vector<int32_t> labels;  // 0: background
  std::vector<int32_t> gt;      // index of the matched object; any where the label is 0
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
  RoISample sample(const Tensor& proposals, const Batch& batch, size_t image) const;
  // "class" and "box".
  std::vector<NamedLoss> losses(const Output& out, const std::vector<RoISample>& samples, const Batch& batch) const;
  // Softmax, decode, clip, threshold, NMS per class, the best of all classes.
  std::vector<Detections> detections(const Output& out, const std::vector<Tensor>& proposals, const std::vector<ImageSize>& sizes) const;

  // On a GPU: the same of all images at once, in lists of fixed size.
  struct List {
    gpu::BoxTargets all;      // S = batch RoIs an image
    gpu::BoxTargets objects;  // of these the first S·positive_fraction, among which all objects are, for the mask head
  };
  List sample(const gpu::BoxList& proposals, const PaddedBatch& goal) const;
  std::vector<NamedLoss> losses(const Output& out, const gpu::BoxTargets& t) const;
  DetectionList detections(const Output& out, const gpu::BoxList& proposals, const Tensor& sizes) const;

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
  // "mask": mean binary cross entropy over the positive RoIs, on the channel of the ground-truth class.
  NamedLoss loss(const Features& P, const std::vector<RoISample>& samples, const Batch& batch, const RoIConfig& roi) const;
  void predict(const Features& P, std::vector<Detections>& found, const RoIConfig& roi) const;

  // On a GPU: the same over lists of fixed size.
  NamedLoss loss(const Features& P, const gpu::BoxTargets& t, const PaddedBatch& goal, const RoIConfig& roi) const;
  void predict(const Features& P, DetectionList& found, const RoIConfig& roi) const;

 private:
  MaskHeadConfig config_;
  std::vector<Conv> convs_;
  Var deconv_w_, deconv_b_, logits_w_, logits_b_;
};

}  // namespace mr
