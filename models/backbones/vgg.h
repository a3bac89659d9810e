// VGG-16 (Simonyan & Zisserman 2015, configuration D) up to conv5_3.
//
//   conv1_1 … conv1_2   64    [N, H,    W,     64]
//   2×2 max pool /2, conv2_1 … conv2_2  128    [N, H/2,  W/2,  128]
//   2×2 max pool /2, conv3_1 … conv3_3  256    [N, H/4,  W/4,  256]
//   2×2 max pool /2, conv4_1 … conv4_3  512    [N, H/8,  W/8,  512]
//   2×2 max pool /2, conv5_1 … conv5_3  512    [N, H/16, W/16, 512]
//
// Each convolution is 3×3 with padding 1, a bias and a ReLU; there are no norms. Fast R-CNN and its
// relatives take conv5_3 as their one map: RoI pooling stands where the fifth max pool would.
// Parameters carry torchvision's names: <prefix>0.weight … <prefix>28.bias, counted over
// convolutions, ReLUs and pools.
#pragma once

#include <string>
#include <vector>

#include "models/backbones/backbone.h"
#include "models/config.h"
#include "models/layers.h"

namespace mr {

class VGG16 : public Backbone {
 public:
  VGG16(Parameters& p, const std::string& prefix, const VGGConfig& config);

  const std::vector<Level>& levels() const override { return levels_; }  // conv5_3
  int divisor() const override { return 16; }
  double values() const override { return 2 * static_cast<double>(levels_.back().channels) / 8; }  // conv1_1 and conv1_2
  Features operator()(const Var& images, bool training) const override;

 private:
  std::vector<std::vector<Conv>> stages_;
  std::vector<Level> levels_;
};

}  // namespace mr
