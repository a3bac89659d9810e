// The RoI operators on a GPU, beside their files for the CPU. Everything is queued on
// compute_stream(); nothing comes back to the host, and nobody waits.
//
//   roi_inputs.cu    which RoIs are not valid
//   roi_filter.cu    bins that are weighted sums (roi_filter.h)
//   roi_samples.cu   the maximum over samples (roi_samples.h)
//   roi_pool.cu      the maximum over cells (roi_pool.h)
//
// All levels of a pyramid go into one launch. What a kernel needs of the boxes is found by a small
// kernel before it, one thread for each box and axis, and stays in device memory. Gradients of maps
// are gathered (roi_gather.h): a cell is summed by one thread, box by box in rising order.
#pragma once

#include "ops/roi/modes.h"
#include "ops/roi/roi_inputs.h"
#include "ops/roi/rule.h"
#include "tensor/gpu/built.h"

namespace mr::gpu {

// Errors: as check_roi_shapes; more than 8 maps; more than 2³¹ bins.
Var filter_rois(const char* op, const RoICall& call, const AxisRule& rule);
Var maximum_rois(const char* op, const RoICall& call, const AxisRule& rule);
Var pool_rois(const char* op, const RoICall& call, int size, PoolBins bins);

Tensor count_invalid_rois(const Tensor& rois, const Tensor& levels, int64_t images, int64_t depth);

}  // namespace mr::gpu
