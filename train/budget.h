// A run under train.budget = "30m", the wall-clock time of the whole run: how many iterations fit.
//
//   fixed       once the first steps are measured: at the end of the warm-up, or after 5% of the
//               budget if that is sooner, so that a warm-up can still end after a tenth of the run.
//               Then the steps, the evaluations and the saving fit into it
//   corrected   once, where the pace settles at another one (a warm-up beside a build that ends later was slow, say): two windows in a row
//               of 5% of the budget agree, and at their pace the run would be longer or shorter by more than a tenth
//   cut short   where one more step would endanger the final evaluation
//
// A correction moves the schedule of the learning rate, so it comes in the warm-up (which no length changes), or in the first half of the
// run and before the rate is first cut, or not at all. It is recorded with the length before it (train.corrected_at, corrected_from), so
// that a rerun, or a run that is resumed, takes the same steps. A run that is resumed after its
// length was fixed keeps it, whatever is left of the budget, which is told.
#pragma once

#include <cstdint>

#include "train/recipe.h"

namespace mr {

struct BudgetPlan {
  double budget = 0;      // seconds
  double evaluation = 0;  // of one evaluation, as estimated or last measured
  double saving = 0;      // of writing the weights and leaving

  // `now`: seconds that the run has taken, those before it was resumed included.
  bool time_to_fix(double now, int64_t iteration, int64_t warmup) const;
  // Iterations in all, when `iteration` are done and `evaluations` are to come, the final one included, and besides these one every
  // `evaluation_every` iterations (0: none).
  int64_t iterations(double now, int64_t iteration, double seconds_per_step, int64_t evaluations, int64_t evaluation_every) const;
  // One more step would endanger the final evaluation.
  bool must_stop(double now, double seconds_per_step) const;
};

// Whether the length may still be corrected after `iteration` steps.
bool may_correct(const Recipe& recipe, int64_t iteration);
// Whether another length differs by so much that a correction is worth it.
bool worth_correcting(int64_t fixed, int64_t fitting);

}  // namespace mr
