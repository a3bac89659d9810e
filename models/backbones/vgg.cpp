#include "models/backbones/vgg.h"

#include <array>

#include "ops/pool/max_pool.h"

namespace mr {

VGG16::VGG16(Parameters& p, const std::string& prefix, const VGGConfig& config) {
  constexpr std::array<int, 5> convolutions = {2, 2, 3, 3, 3};
  constexpr std::array<int, 5> widths = {1, 2, 4, 8, 8};
  int64_t in = 3;
  int place = 0;
  for (size_t s = 0; s < convolutions.size(); ++s) {
    std::vector<Conv> stage;
    for (int i = 0; i < convolutions[s]; ++i) {
      const std::string name = str(prefix, place, ".");
      stage.emplace_back(p, str(prefix, place), in, widths[s] * config.width, 3, Init::kaiming(), Conv2dOptions{.padding = 1});
      if (static_cast<int64_t>(s) < config.freeze) p.freeze(name);
      in = widths[s] * config.width;
      place += 2;  // the convolution and its ReLU
    }
    place += 1;  // the pool behind the stage
    stages_.push_back(std::move(stage));
  }
  levels_.push_back({"conv5_3", 16, in});
}

Features VGG16::operator()(const Var& images, bool) const {
  Var x = images;
  for (size_t s = 0; s < stages_.size(); ++s) {
    if (s > 0) x = max_pool2d(x, {.size = 2, .stride = 2, .padding = 0});
    for (const Conv& conv : stages_[s]) x = conv(x, true);
  }
  return {{x}, {16}};
}

}  // namespace mr
