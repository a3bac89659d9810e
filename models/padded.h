// What a GPU is told of a batch: the images, and lists of one length for all of them, filled up, so that neither shapes nor the program depend on how
// much an image holds (ops/boxes/boxes_gpu.h). All that changes from step to step is here, in device memory.
#pragma once

#include "models/system.h"
#include "ops/boxes/boxes_gpu.h"

namespace mr {

class PaddedBatch {
 public:
  Tensor images;               // [N,H,W,3] f32
  Tensor sizes;                // [N,2] i32: height, width of each image before padding
  Tensor boxes;                // [N,G,4] f32, G a multiple of 16; undefined when predicting, as all below
  Tensor labels;               // [N,G] i32, −1 from the count on
  Tensor count;                // [N] i32
  Tensor anchor_rng, roi_rng;  // [N,6] i32: the streams that anchors and RoIs are sampled with
  gpu::MaskTable masks;        // where masks are trained

  PaddedBatch(const Batch& batch, bool masks, Device device);  // queued
  // The same memory with another batch, queued. False, and nothing is done: it has other shapes.
  bool refill(const Batch& batch);

 private:
  PaddedBatch(const Batch& batch, bool masks);  // the lists on the CPU, the images where they are
  std::vector<Tensor*> all();
};

}  // namespace mr
