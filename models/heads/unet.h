// U-Net (Ronneberger et al. 2015) and U-Net++ (Zhou et al. 2018) on small maps.
//
//   block    2 × (3×3 convolution of the same size, ReLU)
//   down     2×2 max pooling              up     2×2/2 deconvolution to the finer level's width
//
//   U-Net    X(i,0) = block(down X(i−1,0))         the way down, level i of L, 0 the finest
//            Y(i)   = block([X(i,0), up Y(i+1)])   the way up, Y(L−1) = X(L−1,0); the result is Y(0)
//   U-Net++  X(i,j) = block([X(i,0) … X(i,j−1), up X(i+1,j−1)])        the results are X(0,1) … X(0,L−1)
//
//        X00 ─ X01 ─ X02      of three levels: every map of a row sees all before it,
//          \  /  \  /         and the one below. A U-Net is the outer path alone:
//          X10 ─ X11           X00 X10 X20 X11 X02
//            \  /
//            X20
//
// Parameters of widths 32, 64, 128, 256, 512, 3 channels in and a 1×1 convolution to one out:
// 7,760,097 and 9,042,177, the published 7.76 and 9.04 million.
#pragma once

#include <vector>

#include "models/layers.h"

namespace mr {

class UNet {
 public:
  // Parameters: <prefix>x<i>_<j>.conv1, conv2, up. widths: of the levels, finest first.
  UNet(Parameters& p, const std::string& prefix, int64_t in, const std::vector<int64_t>& widths, bool nested);

  // x [R,S,S,in], S a multiple of 2^(L−1) → [R,S,S,widths[0]]: one map; nested: L − 1 of them.
  std::vector<Var> operator()(const Var& x) const;

 private:
  struct Block {
    Conv first, second;
    Deconv up;  // of what comes from below; X(i,0) has none
    Var operator()(const Var& x) const { return second(first(x, true), true); }
  };
  Block make_block(Parameters& p, const std::string& name, int64_t in, int64_t width);

  std::vector<std::vector<Block>> blocks_;  // [level][j]; of a U-Net the j = 1 are its way up
  bool nested_;
};

}  // namespace mr
