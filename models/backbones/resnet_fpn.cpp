#include "models/backbones/resnet_fpn.h"

#include "tensor/stages.h"

namespace mr {

ResNetFPN::ResNetFPN(Parameters& p, const ResNetFPNConfig& c)
    : config_(c), resnet_(p, "backbone.body.", c.resnet), fpn_(p, "backbone.fpn.", resnet_.channels(), c.fpn.channels) {
  for (int k = 2; k <= 6; ++k) levels_.push_back({str("P", k), 1 << k, c.fpn.channels, k < 6});
}

// C2 and P2, at a quarter of the sides.
double ResNetFPN::values() const { return static_cast<double>(4 * config_.resnet.width + config_.fpn.channels) / 16; }

Features ResNetFPN::operator()(const Var& images, bool training) const {
  const auto stages = [&] {
    const Stage stage("trunk");
    return resnet_(images, training);
  }();
  const Stage stage("fpn");
  return fpn_(stages);
}

}  // namespace mr
