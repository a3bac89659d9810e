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
//
// ResNeXt g×d (Xie et al. 2017): the 3×3 of a bottleneck has g groups of d channels in res2, 2d in
// res3, …; the 1×1 before it makes as many. 32×4d: 128, 256, 512, 1024 channels where ResNet-50
// has 64 … 512; what a stage gives is the same.
//
// DC5: res5 has stride 1, and all of its 3×3 read every second cell (dilation 2, padding 2), so
// that C5 is as large as C4. This is Detectron's form; torchvision's leaves the 3×3 of the first
// block as it is.
//
// Parameters carry torchvision's names: <prefix>conv1, bn1, layer1.0.conv1 …; res2 is layer1.
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

// A stage, on its own where it is not part of a trunk: res5 on each RoI (C4).
class ResNetStage {
 public:
  // number: 2 … 5. stride: of the first block.
  struct Place {
    int number = 5, stride = 2, dilation = 1;
  };

  ResNetStage() = default;
  ResNetStage(Parameters& p, const std::string& prefix, const ResNetConfig& config, const Place& place);

  Var operator()(Var x, bool training) const;  // [N,H,W,Cin] → [N,H/stride,W/stride,channels of the stage]

 private:
  std::vector<Block> blocks_;
};

class ResNet {
 public:
  // The stages that there are, and how the last one keeps its size.
  struct Extent {
    int last = 5;
    bool dilated = false;
  };

  ResNet() = default;
  ResNet(Parameters& p, const std::string& prefix, const ResNetConfig& config, const Extent& extent);
  ResNet(Parameters& p, const std::string& prefix, const ResNetConfig& config) : ResNet(p, prefix, config, Extent()) {}

  Features operator()(const Var& image, bool training) const;         // [N,H,W,3] → C2 … C5
  const std::vector<int64_t>& channels() const { return channels_; }  // of C2 … C5
  const std::vector<int>& strides() const { return strides_; }        // in pixels of the image

 private:
  ConvNorm stem_;
  std::vector<ResNetStage> stages_;
  std::vector<int64_t> channels_;
  std::vector<int> strides_;
};

}  // namespace mr
