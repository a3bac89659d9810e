// How long a run is, and how fast it goes.
//
// train.budget = "30m" is the wall-clock time of the whole command. The first steps are measured (the warm-up, or the first 15% of
// the budget if that is shorter); then the number of iterations is fixed so that these, the evaluations and the saving fit.
// Should the machine slow down later, the run stops early: the final evaluation always finds its time.
#pragma once

#include <cstdint>
#include <string>

namespace mr {

double seconds_since_start();  // of the program

// "30m", "1h30m", "90s", "1d" → seconds. Errors: anything else, nothing, 0.
double parse_duration(const std::string& text, const char* what);
std::string show_duration(double seconds);  // 1h02m, 3m05s, 42s

// The seconds of one step, of late: a running mean over about twenty steps, without the first three.
class Pace {
 public:
  void step(double seconds);
  int64_t steps() const { return steps_; }
  double seconds_per_step() const { return mean_; }  // 0 before the fourth step

 private:
  int64_t steps_ = 0;
  double mean_ = 0;
};

// Of a run under a budget, at `now` seconds after the start of the command.
struct BudgetPlan {
  double budget = 0;      // seconds
  double evaluation = 0;  // of one evaluation, as estimated or last measured
  double saving = 0;      // of writing the weights and leaving

  bool time_to_fix(double now, int64_t iteration, int64_t warmup) const;
  // Iterations in all, when `iteration` are done and `evaluations` are to come, the final one included.
  int64_t iterations(double now, int64_t iteration, double seconds_per_step, int64_t evaluations) const;
  // One more step would endanger the final evaluation.
  bool must_stop(double now, double seconds_per_step) const;
};

}  // namespace mr
