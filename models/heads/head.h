// A head: what is done with each region of interest.
//
// In training all heads see the same sampled RoIs. In prediction they work one after the other on
// what was found so far: the first head gets the proposals, which are boxes without labels; the box
// head replaces them by classified boxes; the mask head adds a mask to each of these.
#pragma once

#include <optional>

#include "models/backbones/backbone.h"
#include "models/system.h"
#include "ops/boxes/candidates.h"
#include "ops/boxes/targets.h"

namespace mr {

// The RoIs of a training step.
struct TrainingRoIs {
  RoITargets all;      // objects and background
  RoITargets objects;  // of these the ones that have an object
  Tensor object_rows;  // [objects] i32, the row of `all` that each is; −1: a filler
};

class Head {
 public:
  virtual ~Head() = default;
  virtual std::vector<std::string> names() const = 0;  // of its losses
  virtual bool masks() const { return false; }         // it trains and predicts a mask for each object
  virtual Losses losses(const Features& f, const TrainingRoIs& rois, const DeviceBatch& batch) const = 0;
  // sizes [N,2] i32: height and width of each image.
  virtual void predict(const Features& f, const Tensor& sizes, Found& found) const = 0;

  // Prediction in two halves, between which boxes of several looks at a picture are put together
  // (train/looks.h). First, of a head that finds boxes: those that compete for being kept.
  virtual std::optional<Candidates> candidates(const Features&, const BoxList& /*proposals*/, const Tensor& /*sizes*/) const { return {}; }
  // Then what the head says of boxes that stand: all that predict() does, but for finding boxes.
  virtual void describe(const Features& f, const Tensor& sizes, Found& found) const { predict(f, sizes, found); }
};

}  // namespace mr
