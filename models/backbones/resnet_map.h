// A ResNet's last map alone, on which proposals are made and RoIs are read:
//
//   c4    of res4   stride 16   res5 is left to the box head, which runs it on each RoI (heads/res5.h)
//   c5    of res5   stride 32
//   dc5   of res5   stride 16   res5 dilated instead of strided (resnet.h)
#pragma once

#include "models/backbones/resnet.h"

namespace mr {

class ResNetMap : public Backbone {
 public:
  // Parameters: "backbone.body.", as ResNetFPN has them.
  ResNetMap(Parameters& p, const ResNetMapConfig& config);

  const std::vector<Level>& levels() const override { return levels_; }
  int divisor() const override { return levels_.front().stride; }
  double norm_epsilon() const override { return config_.resnet.norm_epsilon; }
  double values() const override { return static_cast<double>(resnet_.channels().front()) / 16; }  // C2, at a quarter of the sides
  Features operator()(const Var& images, bool training) const override;

 private:
  ResNetMapConfig config_;
  ResNet resnet_;
  std::vector<Level> levels_;
};

}  // namespace mr
