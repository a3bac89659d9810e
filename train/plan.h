// What a run is going to do, told before its first step.
//
//   plan: 600 iterations of 8 images: 4800 images, 1.2 epochs of 4000
//         learning rate 0.0005, 0.05 after 60, 1.9e-06 at the end   ▁▄███▇▇▇▆▆▅▅▄▄▃▂▂▁▁▁
//         evaluation after 300, 600
#pragma once

#include <string>
#include <vector>

#include "train/recipe.h"

namespace mr {

struct RunPlan {
  int64_t iterations = 0;  // 0: found under way, as many as fit into the budget
  int64_t planned = 0;     // more than that where the budget ended the run
  int64_t batch = 0;       // images an iteration
  int64_t warmup = 0;
  double first = 0, peak = 0, last = 0;   // learning rates; last: only where the length is known
  std::vector<int64_t> evaluations = {};  // after which iterations
};

// Of a resolved recipe (train/length.h).
RunPlan plan_of(const Recipe& recipe, bool evaluates);
// `images`: of the training set, for the epochs; 0: unknown.
std::string to_text(const RunPlan& plan, const Recipe& recipe, int64_t images);

// How far a run has come, and what ended it: "Finished after 65 of 72 iterations: the budget of 9m
// ended the run."
std::string iterations_done(const TrainConfig& train, int64_t reached);

// Whether the recipe asks for an evaluation after `iteration`, the end of the run apart.
bool evaluates_at(const Recipe& recipe, int64_t iteration);

}  // namespace mr
