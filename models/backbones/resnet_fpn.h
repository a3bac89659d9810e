// A ResNet with a feature pyramid on its stages:
// levels P2 … P5 for RoIs, and P6 for proposals alone.
#pragma once

#include "models/backbones/fpn.h"
#include "models/backbones/resnet.h"

namespace mr {

class ResNetFPN : public Backbone {
 public:
  // Parameters: "backbone.body." and "backbone.fpn.", as torchvision has them.
  ResNetFPN(Parameters& p, const ResNetFPNConfig& config);

  const std::vector<Level>& levels() const override { return levels_; }
  int divisor() const override { return 32; }  // C5's stride
  double norm_epsilon() const override { return config_.resnet.norm_epsilon; }
  double values() const override;
  Features operator()(const Var& images, bool training) const override;

 private:
  ResNetFPNConfig config_;
  ResNet resnet_;
  FPN fpn_;
  std::vector<Level> levels_;
};

}  // namespace mr
