// What is timed: a recipe's model, and a batch for it.
#pragma once

#include <memory>

#include "bench/timings/model.h"
#include "models/systems/make.h"
#include "train/optimiser.h"

namespace mr {

struct TimedModel {
  std::unique_ptr<System> system;  // on the device
  // Elliptical objects of many sizes on noisy images, and random boxes where proposals are to be
  // given; and the same without the objects.
  HostBatch training, predicting;
  std::unique_ptr<Optimiser> optimiser;  // at a rate that changes next to nothing

  // Errors: options that no image has.
  TimedModel(const Recipe& recipe, const BenchModelOptions& options);
  void step() const;  // losses, backward and the optimiser
};

}  // namespace mr
