// What a GPU is told of a batch: lists of one length for all images, filled up, so that neither shapes nor the program depend on how much an
// image holds (ops/boxes/boxes_gpu.h).
#pragma once

#include "models/system.h"
#include "ops/boxes/boxes_gpu.h"

namespace mr {

struct PaddedBatch {
  Tensor sizes;          // [N,2] i32: height, width of each image before padding
  Tensor boxes;          // [N,G,4] f32, G a multiple of 16; undefined when predicting, as all below
  Tensor labels;         // [N,G] i32, −1 from the count on
  Tensor count;          // [N] i32
  gpu::MaskTable masks;  // where masks are trained

  PaddedBatch(const Batch& batch, bool masks, Device device);  // queued
};

}  // namespace mr
