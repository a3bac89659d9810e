// Which RoIs train the heads (Girshick 2015, section 2.3; He et al. 2017, section 3.1).
//
// The objects are added to the proposals; IoU with the objects decides the class; at most `batch`
// RoIs an image are kept, at most `positive_fraction` of them with an object.
#pragma once

#include "models/config.h"
#include "models/heads/head.h"

namespace mr {

// 1/standard deviation of the deltas of a RoI, so that all four targets are of order one.
inline constexpr BoxCoder roi_coder{.wx = 10, .wy = 10, .ww = 5, .wh = 5};

class RoISampler {
 public:
  explicit RoISampler(const BoxHeadConfig& config) : config_(config) {}

  // Of `batch.chosen`, where the batch brings a sample.
  TrainingRoIs operator()(const BoxList& proposals, const DeviceBatch& batch) const;
  int64_t most_objects() const;  // of an image

 private:
  RoISample draw(const BoxList& proposals, const DeviceBatch& batch) const;

  BoxHeadConfig config_;
};

}  // namespace mr
