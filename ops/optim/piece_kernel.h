// How a block of a GPU walks its piece of the arrays: each thread takes every 256th pack of 16
// bytes, and then one value of what is left of the last pack.
#pragma once

#include "tensor/gpu/kernel.h"

namespace mr::gpu {

constexpr int piece_threads = 256, piece_lanes = 4;

// f.at<N>(i) takes the N values from i on; N is 4 or 1. run: where the piece begins and ends.
template <class F> __device__ void walk_piece(const Pack<int64_t, 2>& run, F& f) {
  const int64_t whole = run[0] + (run[1] - run[0]) / piece_lanes * piece_lanes;
  for (int64_t i = run[0] + int64_t{threadIdx.x} * piece_lanes; i < whole; i += int64_t{piece_threads} * piece_lanes)
    f.template at<piece_lanes>(i);
  if (const int64_t i = whole + int64_t{threadIdx.x}; i < run[1]) f.template at<1>(i);
}

}  // namespace mr::gpu
