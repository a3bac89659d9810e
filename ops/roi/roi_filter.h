// RoI operators that are filters: every bin is a weighted sum of cells, and its gradient the same weights turned round.
//
//     y[r,p,q,c]  = Σ_i Σ_j  wy[p,i] · wx[q,j] · x[i,j,c]
//     gx[i,j,c]   = Σ_r Σ_p Σ_q  wy[p,i] · wx[q,j] · gy[r,p,q,c]
//     ∂L/∂x1[r]   = Σ_p Σ_q Σ_i Σ_j  wy[p,i] · ∂wx[q,j]/∂x1 · ⟨gy[r,p,q], x[i,j]⟩         x2, y1, y2 alike
//
// RoIAlign's and RoIWarp's mean, crop_and_resize and PrRoI pooling differ only in the weights along an axis: in their rule.
#pragma once

#include <functional>

#include "ops/roi/roi_grid.h"
#include "ops/roi/roi_inputs.h"
#include "ops/roi/rule.h"

namespace mr {

// The bins' taps along one axis: of the box [lo, hi] in pixels, on a map of n cells of 1/scale pixels, with slopes where they are asked for.
template <class A> using AxisFilter = std::function<void(A lo, A hi, A scale, int n, bool slopes, BinTaps<A>& taps)>;
using FilterRule = Rule<AxisFilter>;

// [R,size,size,C]. Errors: as check_roi_inputs.
Var filter_rois(const char* op, OptionsFn options, const RoICall& call, int size, FilterRule rule);

}  // namespace mr
