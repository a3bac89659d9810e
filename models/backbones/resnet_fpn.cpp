#include "models/backbones/resnet_fpn.h"

namespace mr {

ResNetFPN::ResNetFPN(Parameters& p, const ResNetConfig& resnet, const FPNConfig& fpn)
    : resnet_(p, "backbone.body.", resnet), fpn_(p, "backbone.fpn.", resnet_.channels(), fpn.channels) {
  for (int k = 2; k <= 6; ++k) levels_.push_back({str("P", k), 1 << k, fpn.channels, k < 6});
}

}  // namespace mr
