// RoIWarp: bilinear sampling like RoIAlign's, but of a box whose corners were rounded to cells
// first.
//                    Dai, He, Sun: Instance-aware Semantic Segmentation via Multi-task Network Cascades (2016), section 3.3;
//                    He, Gkioxari, Dollár, Girshick: Mask R-CNN (2017), section 3 and Table 2c
//
// It stands between RoIPool and RoIAlign, and that is why Mask R-CNN measures it: it interpolates
// as RoIAlign does, and is hardly better than RoIPool (27.2 against 26.9 mask AP on stride 16,
// RoIAlign 30.2). What matters is that nothing is rounded.
//
// Two definitions go by the name. For one axis, box [x1, x2] in pixels, stride s:
//
//   as Table 2c needs it (variant paper)             X1 = round(x1/s), X2 = round(x2/s), half away from zero
//                                                    w = max(X2 − X1, 1)
//                                                    bins of w/P cells, n_s samples in each, mean or max: RoIAlign's on [X1, X1 + w]
//                                                    The paper gives no code: that the bins are not rounded, that there are n_s samples and that
//                                                    nothing is added to X2 are ours to choose.
//   as MNC's layer has it (variant mnc)              X1, X2 rounded alike; w = max(X2 − X1, 0)
//                                                    a warp to 2P: one sample at the beginning of each bin, X1 + b·w/2P
//                                                    then 2×2 pooling to P (MNC: 28 → 14 for masks, once more → 7 for boxes);
//                                                    computed at once, as two samples a bin
//
// By hand: x1 = 0, x2 = 665, s = 32. On the map the box is 20.78 cells long, rounded 21:
// it became 7 pixels of the image longer.
// Bins of 3 cells; two samples in each, at 0.75 and 2.25 cells from its beginning.
//
// Shapes, units, types, errors as roi_align. mnc samples within half a cell around the map and
// reads 0 beyond, paper within a cell.
// Gradient    to the maps as roi_align; to the boxes, when they require one, with the rounding as if it were the identity:
//             ∂X1/∂x1 = ∂X2/∂x2 = 1/s. MNC trains its boxes through it. A box shorter than a cell, in MNC's variant
//             one that runs backwards, only moves.
// Deviations  MNC's layer, backward, takes bins of (w+1)/2P where it takes w/2P forward; here both are w/2P.
#pragma once

#include <vector>

#include "autograd/var.h"
#include "ops/roi/modes.h"

namespace mr {

enum class WarpVariant : uint8_t { paper, mnc };

struct RoIWarpOptions {
  int size = 7;            // P: bins along each axis
  int sampling_ratio = 2;  // n_s of the paper's variant: samples along each axis of a bin, at least 1
  Reduce reduce = Reduce::mean;
  WarpVariant variant = WarpVariant::paper;
};

Var roi_warp(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
             const RoIWarpOptions& options = {});

}  // namespace mr
