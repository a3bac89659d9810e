#include "models/backbones/resnet_map.h"

#include "tensor/stages.h"

namespace mr {
namespace {

ResNet::Extent extent_of(ResNetOutput output) {
  return {.last = output == ResNetOutput::c4 ? 4 : 5, .dilated = output == ResNetOutput::dc5};
}

}  // namespace

ResNetMap::ResNetMap(Parameters& p, const ResNetMapConfig& c) : config_(c), resnet_(p, "backbone.body.", c.resnet, extent_of(c.output)) {
  levels_.push_back({str("C", extent_of(c.output).last), resnet_.strides().back(), resnet_.channels().back()});
}

Features ResNetMap::operator()(const Var& images, bool training) const {
  const Stage stage("trunk");
  const Features f = resnet_(images, training);
  return {{f.maps.back()}, {f.strides.back()}};  // [N,H/16,W/16,1024], of c5 and dc5 2048 channels
}

}  // namespace mr
