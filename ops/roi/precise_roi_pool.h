// Precise RoI pooling: the exact mean of the interpolated map over each bin,
// an integral instead of samples.
//                                            Jiang, Luo, Mao, Xiao, Jiang: Acquisition of Localization Confidence for Accurate Object Detection (2018), section 3
//
// RoIAlign asks the map at n_s² points of a bin. With ever more points its mean becomes an
// integral, which has a closed form: it is exact, needs no n_s, and is smooth in the box's corners,
// so that a box can be trained through it.
//
//   map       f(x, y) = Σ_i Σ_j  Λ(x − i)·Λ(y − j)·F[j, i],    Λ(u) = max(0, 1 − |u|)         bilinear inside; fades to 0 within a cell outside
//   bins      of [x1/s, x2/s] × [y1/s, y2/s], P × P of equal size: [a, b) × [c, d)
//   value     1/((b−a)(d−c)) · ∫_c^d ∫_a^b f dx dy  =  Σ_j Σ_i  w(c, d; j) · w(a, b; i) · F[j, i]
//             w(a, b; i) = (C(b − i) − C(a − i)) / (b − a),     C(u) = 0, ½(u+1)², ½ + u − ½u², 1   on u ≤ −1, ≤ 0, ≤ 1, above: the integral of Λ
//
// A tent is a product of one on each axis, so the double integral is a product of two: again a
// separable filter, and one of the cells ⌊a⌋ … ⌈b⌉ (ops/roi/roi_grid.h).
//
// By hand: s = 1, one bin [0.5, 2.5): C(2.5) − C(0.5) = 1 − 0.875 for cell 0,
// C(1.5) − C(−0.5) = 1 − 0.125 for cell 1, C(0.5) − C(−1.5) = 0.875 for cell 2, C(−0.5) = 0.125 for
// cell 3; halved: 1/16, 7/16, 7/16, 1/16.
//
// Coordinates  the published op has no ½: cell i is at the coordinate i. aligned subtracts it, as RoIAlign's does, and is what to compare with
//             an aligned RoIAlign: with n_s → ∞ the two agree inside the map.
// Gradient    gx = the same weights turned round. The boxes', where they require one:
//             ∂w/∂a = (w − Λ(a − i)) / (b − a),   ∂w/∂b = (Λ(b − i) − w) / (b − a),   a = X1 + (X2−X1)·q/P,  b = X1 + (X2−X1)·(q+1)/P
//             continuous wherever b > a.
// Edge cases  x2 ≤ x1 or y2 ≤ y1: 0, and no gradient.
// Cost        reads ⌈b⌉ − ⌊a⌋ + 1 cells an axis and bin: RoIAlign with as many samples as cells reads as many.
// Shapes, units, types, errors as roi_align.
#pragma once

#include <vector>

#include "autograd/var.h"

namespace mr {

struct PreciseRoIPoolOptions {
  int size = 7;          // P: bins along each axis
  bool aligned = false;  // subtract ½ after dividing by the stride
};

Var precise_roi_pool(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
                     const PreciseRoIPoolOptions& options = {});

}  // namespace mr
