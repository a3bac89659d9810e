// RoIPool: a P×P feature for each box of an image, the maximum of the cells under each of P×P bins.
//                                         Girshick: Fast R-CNN (2015), section 2.1; from the spatial pyramid pooling of He et al. (2014)
//
// It rounds twice, and that is what RoIAlign (roi_align.h) is there to avoid:
//
//   1  the box's corners to cells    X1 = round(x1/s), X2 = round(x2/s), half away from zero; both cells belong to the box:
//                                    w = max(X2 − X1 + 1, 1) cells
//   2  the bins' edges to cells      bin q covers [X1 + ⌊q·w/P⌋, X1 + ⌈(q+1)·w/P⌉), cut to the map: neighbours share a cell
//                                    where w/P is not an integer, so no cell of the box is lost
//
//     y[r,p,q,c] = max of x[n_r, h, w, c] over the cells of bin (p, q)          0 for a bin without cells
//
// By hand: a box of 665 pixels at stride 32 is 20.78 cells long. The corners round to cells 0 and
// 21: 22 cells, bins of 22/7 = 3.14, so [0,4) [3,7) [6,10) [9,13) [12,16) [15,19) [18,22). The
// first rounding alone moved the right edge by 39 pixels.
//
// Shapes, units and types as roi_align.
// Gradient    gx[cell of the maximum] += gy; of equal cells the first in row order; NaN never is the maximum. None for the boxes. Each
//             channel is summed by one owner in a fixed order of RoIs: the same bits for any number of threads.
// Bits        those of torchvision and Caffe, for which w/P is rounded to f32 before it is multiplied.
// Memory      when a gradient is needed, where each maximum was: i32 [R,P,P,C].
// Errors      as roi_align.
#pragma once

#include <vector>

#include "autograd/var.h"
#include "ops/roi/modes.h"

namespace mr {

// The other two ways to cut a box into bins are drawn in many explanations of RoIPool; no released
// detector has them. They are here to be compared with (mrcnn explain roi_pool): `disjoint` is the
// 8×8 picture's, `truncated` rounds everything down.
struct RoIPoolOptions {
  int size = 7;  // P: bins along each axis
  PoolBins bins = PoolBins::overlapping;
};

Var roi_pool(const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois, const Tensor& levels,
             const RoIPoolOptions& options = {});

}  // namespace mr
