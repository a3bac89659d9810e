// How long the loop's run is, where a budget decides that, and what is told of it.
#include <algorithm>
#include <cmath>
#include <utility>

#include "train/interrupt.h"
#include "train/length.h"
#include "train/loop.h"
#include "train/plan.h"

namespace mr {

// `step_seconds`: of one; 0: unknown.
void Loop::tell_plan(double step_seconds) const {
  console_.say(to_text(plan_of(recipe_, static_cast<bool>(job_.evaluate)), recipe_, job_.training_images));
  if (budget_)
    console_.say("      expected end " + time_of_day(budget_->budget - job_.clock()) + ", where the budget ends");
  else if (step_seconds > 0) {
    const double left = step_seconds * static_cast<double>(recipe_.train.iterations - state_.iteration);
    console_.say(str("      expected end ", time_of_day(left), ", in ", show_duration(left), " or less: a step on the fullest batch takes ",
                     step_seconds, " s", job_.evaluate ? "; evaluations take more" : ""));
  }
}

// Besides those that come every so many iterations: at the shares of the run that lie ahead, and at its end.
int64_t Loop::evaluations_to_come() const {
  if (!job_.evaluate) return 0;
  const std::vector<double>& at = recipe_.evaluation.at;
  return 1 + std::ranges::count_if(at, [this](double share) {
           return share > 0 && share < 1 &&
                  (recipe_.train.iterations == 0 || std::llround(share * static_cast<double>(recipe_.train.iterations)) > state_.iteration);
         });
}

void Loop::fix_length() {
  if (!budget_->time_to_fix(job_.clock(), state_.iteration, recipe_.schedule.warmup)) return;
  if (job_.evaluate) {
    try {
      budget_->evaluation = job_.estimate_evaluation ? job_.estimate_evaluation() : 0;
    } catch (const Interrupted&) {
      return;
    }
  }
  const double pace = pace_.seconds_per_step();
  if (recipe_.evaluation.every_minutes > 0 && recipe_.evaluation.every == 0)
    recipe_.evaluation.every = std::max<int64_t>(std::llround(recipe_.evaluation.every_minutes * 60 / pace), 1);
  const int64_t evaluations = evaluations_to_come(), every = job_.evaluate ? recipe_.evaluation.every : 0;
  recipe_.train.iterations = budget_->iterations(job_.clock(), state_.iteration, pace, evaluations, every);
  Words words;
  shorten_warmup(recipe_, state_.iteration, words);
  settled_pace_.emplace(0.05 * budget_->budget);
  write_recipe();
  console_.say(str("budget ", recipe_.train.budget, ": ", recipe_.train.iterations, " iterations (", pace, " s a step, ", evaluations,
                   " evaluations of about ", show_duration(budget_->evaluation), every > 0 ? str(", and one every ", every) : std::string(),
                   "), recorded in recipe.toml"));
  for (const std::string& word : words) console_.say(word);
  tell_plan(pace);
}

// Once, where the pace has settled (train/budget.h).
void Loop::correct_length() {
  if (!may_correct(recipe_, state_.iteration)) return;
  TrainConfig& t = recipe_.train;
  const double pace = settled_pace_->seconds_per_step();
  const int64_t fitting =
      budget_->iterations(job_.clock(), state_.iteration, pace, evaluations_to_come(), job_.evaluate ? recipe_.evaluation.every : 0);
  if (!worth_correcting(t.iterations, fitting)) return;
  t.corrected_at = state_.iteration;
  t.corrected_from = std::exchange(t.iterations, fitting);
  write_recipe();
  console_.say(str("budget ", t.budget, ": the pace has settled at ", pace, " s a step: ", t.iterations, " iterations, not ",
                   t.corrected_from, ", recorded in recipe.toml"));
  tell_plan(pace);
}

}  // namespace mr
