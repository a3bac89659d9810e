// The parts of an R-CNN in a configuration, short to write: of a recipe, of its model or of the RCNNConfig itself. Another kind than the
// usual one is an exception of std::get.
#pragma once

#include <memory>

#include "models/systems/rcnn.h"

namespace mr::test {

template <class Config> auto& rcnn(Config&& c) {
  if constexpr (requires { c.model; })
    return rcnn(c.model);
  else if constexpr (requires { c.system; })
    return std::get<RCNNConfig>(c.system);
  else
    return c;
}
template <class Config> auto& resnet(Config&& c) { return std::get<ResNetFPNConfig>(rcnn(c).backbone).resnet; }
template <class Config> auto& fpn(Config&& c) { return std::get<ResNetFPNConfig>(rcnn(c).backbone).fpn; }
template <class Config> auto& rpn(Config&& c) { return std::get<RPNConfig>(rcnn(c).proposals); }
template <class Config> auto& fc(Config&& c) { return std::get<TwoFCConfig>(rcnn(c).box.layers); }
template <class Config> auto& mask(Config&& c) { return std::get<MaskFCNConfig>(rcnn(c).mask); }
template <class Config> bool has_masks(const Config& c) { return !std::holds_alternative<NoMaskConfig>(rcnn(c).mask); }

inline std::unique_ptr<RCNN> make_rcnn(const ModelConfig& c, uint64_t seed) { return mr::make_rcnn(rcnn(c), c.classes, seed); }

}  // namespace mr::test
