// ResNet (He et al. 2015), the maps C2 … C5 after its stages.
//
//   stem   7×7, 64, /2 → norm, ReLU → 3×3 max pool /2                 [N, H/4,  W/4,   64]
//   res2   3 bottlenecks (1×1 64, 3×3 64, 1×1 256)              C2    [N, H/4,  W/4,  256]
//   res3   4 (128, 128, 512), the first with stride 2           C3    [N, H/8,  W/8,  512]
//   res4   6 (256, 256, 1024)                                   C4    [N, H/16, W/16, 1024]
//   res5   3 (512, 512, 2048)                                   C5    [N, H/32, W/32, 2048]
//
// (ResNet-50; 101 has 23 blocks in res4, 152 has 8 and 36 in res3 and res4.) ResNet-18 and -34 are
// made of two 3×3 a block and widths 64 … 512. A block whose input differs in size or width
// projects its shortcut with a strided 1×1.
// Parameters carry torchvision's names: <prefix>conv1, bn1, layer1.0.conv1 …
#pragma once

#include <string>
#include <vector>

#include "models/backbones/backbone.h"
#include "models/config.h"
#include "models/layers.h"

namespace mr {

struct Block {
  std::vector<ConvNorm> convs;  // two (basic) or three (bottleneck)
  ConvNorm shortcut;            // without weights where the shortcut is the identity

  Var operator()(const Var& x, bool training) const;
};

class ResNet {
 public:
  ResNet() = default;
  ResNet(Parameters& p, const std::string& prefix, const ResNetConfig& config);

  Features operator()(const Var& image, bool training) const;         // [N,H,W,3] → C2 … C5
  const std::vector<int64_t>& channels() const { return channels_; }  // of C2 … C5

 private:
  ConvNorm stem_;
  std::vector<std::vector<Block>> stages_;
  std::vector<int64_t> channels_;
};

}  // namespace mr
