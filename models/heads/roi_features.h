// RoIAlign, or another operator of its family, over the levels of a backbone, each RoI on the one
// that fits its size (ops/boxes/levels.h).
#pragma once

#include "models/backbones/backbone.h"
#include "models/config.h"
#include "tensor/tensor.h"

namespace mr {

class RoIFeatures {
 public:
  // Errors: levels that are not one above the other,
  // each of twice the stride and of the same channels.
  RoIFeatures(const std::vector<Level>& levels, const RoIConfig& config);

  // rois [R,5] (image, box) → [R,size,size,channels]
  Var operator()(const Features& f, const Tensor& rois, int64_t size) const;
  int64_t channels() const { return channels_; }

 private:
  RoIConfig config_;
  std::vector<size_t> maps_;  // those of the features that RoIs read
  int finest_ = 0;            // log2 of the first one's stride
  int64_t channels_ = 0;
};

}  // namespace mr
