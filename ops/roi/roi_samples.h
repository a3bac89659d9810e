// RoI operators whose bins hold samples, each of them interpolated bilinearly.
//
//     mean    y[r,p,q,c] = 1/n · Σ over the samples of bin (p, q)     a filter (roi_filter.h): the weights of all samples, added up cell by cell
//     max     y[r,p,q,c] = max over the samples of bin (p, q)         of the interpolated values; a sample off the map is worth 0
//
// The gradient of the maximum goes to the four cells of the sample that won, the first of equals;
// the box's is that of its position.
// RoIAlign, RoIWarp and crop_and_resize differ only in where the samples sit along an axis:
// in their rule.
#pragma once

#include "ops/roi/roi_grid.h"
#include "ops/roi/roi_inputs.h"
#include "ops/roi/rule.h"

namespace mr {

// [R,P,P,C]. Errors: as check_roi_inputs.
Var sample_rois(const char* op, const RoICall& call, Reduce reduce, const AxisRule& rule);

}  // namespace mr
