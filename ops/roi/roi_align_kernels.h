// What roi_align runs: forward and backward of its two reductions. Inputs are checked, outputs allocated.
#pragma once

#include <vector>

#include "ops/roi/roi_align.h"
#include "ops/roi/roi_grid.h"
#include "ops/roi/roi_inputs.h"

namespace mr {

// maps: the levels' tensors; y [R,P,P,C]. gx: gradients of the levels, undefined where none is wanted.
void mean_forward(const RoIInputs& in, const std::vector<Tensor>& maps, const RoIAlignOptions& o, const Tensor& y);
void mean_backward(const RoIInputs& in, const RoIAlignOptions& o, const Tensor& gy, const std::vector<Tensor>& gx);  // writes gx

// arg [R,P,P,C] i32: which sample won, for the backward pass; undefined where there will be none.
void max_forward(const RoIInputs& in, const std::vector<Tensor>& maps, const RoIAlignOptions& o, const Tensor& y, const Tensor& arg);
// Adds to gx, which is zero and of the type that sums are held in.
void max_backward(const RoIInputs& in, const RoIAlignOptions& o, const Tensor& gy, const Tensor& arg, const std::vector<Tensor>& gx);

// The bins of RoI r along x and along y.
template <class A> AlignAxis<A> axis_x(const RoIInputs& in, int64_t r, const RoIAlignOptions& o) {
  return align_axis(A(in.rois[r].x1), A(in.rois[r].x2), A(in.map_of(r).scale), o.size, o.sampling_ratio, o.aligned);
}
template <class A> AlignAxis<A> axis_y(const RoIInputs& in, int64_t r, const RoIAlignOptions& o) {
  return align_axis(A(in.rois[r].y1), A(in.rois[r].y2), A(in.map_of(r).scale), o.size, o.sampling_ratio, o.aligned);
}

}  // namespace mr
