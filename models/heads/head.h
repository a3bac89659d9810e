// A head: what is done with each region of interest.
//
// In training all heads see the same sampled RoIs. In prediction they work in turn on what was found: the first gets the
// proposals as boxes without labels, and each leaves more to the next (the box head classes and better boxes, the mask
// head a mask for each of these).
#pragma once

#include "models/backbones/backbone.h"
#include "models/system.h"
#include "ops/boxes/targets.h"

namespace mr {

// The RoIs of a training step.
struct TrainingRoIs {
  RoITargets all;      // objects and background
  RoITargets objects;  // of these the ones that have an object
};

class Head {
 public:
  virtual ~Head() = default;
  virtual std::vector<std::string> names() const = 0;  // of its losses
  virtual bool masks() const { return false; }         // it trains and predicts a mask for each object
  virtual Losses losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const = 0;
  // sizes [N,2] i32: height and width of each image.
  virtual void predict(const Features& f, const Tensor& sizes, Found& found) const = 0;
};

}  // namespace mr
