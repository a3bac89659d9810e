// RoIAlign: a P×P feature for each box of an image,
// read from a feature map with nothing rounded on the way.
//                                                        He, Gkioxari, Dollár, Girshick: Mask R-CNN (2017), section 3, Tables 2c and 2d
//
// A head with fully connected layers, or a mask drawn pixel by pixel, wants the same number of
// values for every box. RoIPool cuts the box out of the map by rounding its corners and then its
// bins to whole cells; on a map of stride 16 that moves the feature by up to 8 pixels. A class
// survives that, a mask does not: in the paper RoIAlign is worth 3 points of mask AP on stride 16
// and 7 on 32.
//
//     image, pixels                    map, cells (stride 16)                     one bin, n = 2: four samples
//     ┌──────────────────────┐         ·   ·   ·   ·   ·   ·   ·   ·              ┌───────────────┐
//     │    x1,y1             │               ┌───────┬───────┐                    │   ×       ×   │         a────────────b
//     │      ┌────────┐      │  ÷ 16   ·   · │ ·   · │ ·   · │ ·   ·              │               │         │    ly      │
//     │      │  RoI   │      │  ────>        ├───────┼───────┤         ────>      │               │  ────>  │ lx  ×      │
//     │      └────────┘      │         ·   · │ ·   · │ ·   · │ ·   ·              │   ×       ×   │         │            │
//     │             x2,y2    │               └───────┴───────┘                    └───────────────┘         c────────────d
//     └──────────────────────┘         ·   ·   ·   ·   ·   ·   ·   ·              a bin need not meet       each sample reads
//                                      P = 2: four bins                           the cells                 its four cells
//
// Definition, for one axis (the other is the same), box [x1, x2] in pixels,
// stride s, map of n cells x[0] … x[n−1]:
//
//   1  box on the map       a = x1/s − ½,  b = x2/s − ½      (aligned; otherwise without the ½, and b − a at least 1)
//   2  bins                 bin q covers [a + q·w, a + (q+1)·w),  w = (b − a)/P
//   3  samples in a bin     u_j = a + q·w + (j + ½)·w/n_s,  j = 0 … n_s−1       n_s = sampling_ratio, or ⌈w⌉ if that is 0
//   4  taps of a sample     cell ⌊u⌋ with weight 1 − (u − ⌊u⌋), cell ⌊u⌋ + 1 with weight u − ⌊u⌋;
//                           −1 ≤ u < 0 and n−1 < u ≤ n read the nearest cell with weight 1; beyond that a sample reads 0
//
// In two dimensions the weights of a sample are products, bilinear interpolation:
//     v(u_y, u_x) = (1−ly)(1−lx)·x[a] + (1−ly)·lx·x[b] + ly·(1−lx)·x[c] + ly·lx·x[d]
// and bin (p, q) is
//     mean    y[r,p,q,c] = 1/(n_y·n_x) · Σ_j Σ_i v_c(u_j, u_i)     samples outside the map count, as 0
//     max     y[r,p,q,c] = max_j,i v_c(u_j, u_i)                      of the interpolated values, not of the cells
//
// Why − ½: pixel i covers [i, i+1) and cell k stands for the pixels [k·s, (k+1)·s), so its value
// sits at (k + ½)·s. A point at pixel x is therefore at index x/s − ½. The first release left the ½
// out (aligned = false): all it reads lies half a cell to the right and below. It is kept because
// trained weights, torchvision's among them, were trained with it.
//
// By hand: aligned, s = 1, box (1,1,3,3), P = 2, n_s = 2. On each axis the box is [0.5, 2.5] in
// cells and bin 0 is [0.5, 1.5); its samples 0.75 and 1.25 read cells 0 (¼), 1 (¾) and 1 (¾), 2 (¼).
// Their mean reads cells 0, 1, 2 with weights 1/8, 6/8, 1/8: the bin is a small separable filter
// about its centre, cell (1, 1). On x[h,w] = 5h + w it gives exactly 6.
//
// Shapes      maps [N,H,W,C], one or a pyramid's levels with the same N and C;  rois [R,5] = (image, x1, y1, x2, y2);
//             levels [R], which map each RoI reads (undefined: the first)  →  y [R,P,P,C]
// Units       boxes in pixels of the image, whatever level they read; strides in pixels
// Types       maps f32, f64 or bf16 (sums in f32); rois f32, or f64 with f64 maps; levels i32
//
// Gradient    for the mean the transpose: cell k gets  gx[k] = Σ over RoIs, bins, samples that read it of  weight/(n_y·n_x) · gy[r,p,q];
//             for the max only the four cells of the sample that won (the first of equals). Each row of a map is summed by one owner, RoI by RoI in rising
//             order (max: each channel), so the bits do not depend on the number of threads, and nothing is atomic.
//             The boxes have one too when they are a Var that requires it (the released codes have none: proposals are constants to the
//             heads). A sample at the share t of the way from x1 to x2 moves by ∂u/∂x1 = (1−t)/s, ∂u/∂x2 = t/s, and its value by
//             ∂v/∂u = (1−ly)·(x[b] − x[a]) + ly·(x[d] − x[c]): it jumps where a sample crosses from one cell to the next.
//
// Edge cases  R = 0: an empty result, zero gradients. A box of no height or width: aligned and adaptive has no samples and gives 0;
//             not aligned it is one cell long. x2 < x1: the bins run backwards. A box off the map reads 0.
//
// Deviations  from the paper: none in the mean; it leaves open where the samples sit and what happens at the border, both as released
//             here. From torchvision: the samples of a bin are added up cell by cell before they meet the map (ops/roi/roi_grid.h),
//             so sums round differently in the last bit; cells with weight 0 are not read; sampling_ratio 0 is its −1.
//
// Cost        the mean reads each cell of a bin once: at most (2·n_s)² vectors of C channels a bin; for n_s = 2 and bins of up
//             to two cells 4 … 9.
//
// Errors      roi_align: maps that are not [N,H,W,C] of one floating type with the same N and C; not one stride ≥ 1 a map; rois not
//             [R,5]; an image or level that is not there; corners not finite or beyond 2²⁴ pixels; size outside 1 … 1024;
//             sampling_ratio outside 0 … 64
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/var.h"
#include "ops/roi/modes.h"

namespace mr {

struct RoIAlignOptions {
  int size = 7;            // P: bins along each axis; 7 for boxes, 14 for masks
  int sampling_ratio = 2;  // n_s: samples along each axis of a bin; 0: adaptive, about one a cell
  bool aligned = false;    // subtract ½: true is right, false is what torchvision's weights were trained with
  Reduce reduce = Reduce::mean;
};

Var roi_align(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
              const RoIAlignOptions& options = {});
inline Var roi_align(const std::vector<Var>& maps, const std::vector<int>& strides, const Tensor& rois, const Tensor& levels,
                     const RoIAlignOptions& options = {}) {
  return roi_align(maps, strides, Var(rois), levels, options);
}

}  // namespace mr
