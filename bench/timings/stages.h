// Where the time of a model goes: trunk, pyramid, RPN, proposals, RoI features, heads, NMS, masks laid over
// the picture; in prediction and in a training step, forward and backward (tensor/stages.h).
#pragma once

#include <string>
#include <vector>

#include "bench/timings/model.h"

namespace mr {

struct StageTiming {
  std::string name;                  // "mask head / roi features"
  double prediction = 0;             // seconds
  double forward = 0, backward = 0;  // of a training step
  double training() const { return forward + backward; }
};

struct StageTimings {
  std::vector<StageTiming> stages;      // the last is what none of them is: "other"
  double prediction = 0, training = 0;  // of all
  // What the mask branch adds to the rest: its stages and the masks that are laid over the picture,
  // over all others. 0 without one.
  double masks_add_to_prediction = 0, masks_add_to_training = 0;
};

// Of each the fastest of `repeats` runs, after two that do not count. In the precision of the context.
StageTimings bench_stages(const Recipe& recipe, const BenchModelOptions& options);

std::string to_json(const StageTimings& timings);
std::string to_text(const StageTimings& timings);

}  // namespace mr
