// RoI operators that are filters: every bin is a weighted sum of cells, and the gradient goes back
// to the cells with the same weights.
//
//     y[r,p,q,c]  = Σ_i Σ_j  wy[p,i] · wx[q,j] · x[i,j,c]
//     gx[i,j,c]   = Σ_r Σ_p Σ_q  wy[p,i] · wx[q,j] · gy[r,p,q,c]
//     ∂L/∂x1[r]   = Σ_p Σ_q Σ_i Σ_j  wy[p,i] · ∂wx[q,j]/∂x1 · ⟨gy[r,p,q], x[i,j]⟩         x2, y1, y2 alike
//
// RoIAlign's and RoIWarp's mean, crop_and_resize and PrRoI pooling differ only in the weights along
// an axis: in their rule.
// On a GPU: roi_filter.cu; RoIs that are not valid give 0 there (roi_inputs.h).
#pragma once

#include "ops/roi/roi_grid.h"
#include "ops/roi/roi_inputs.h"
#include "ops/roi/rule.h"

namespace mr {

// [R,P,P,C]. Errors: as check_roi_inputs.
Var filter_rois(const char* op, const RoICall& call, const AxisRule& rule);

}  // namespace mr
