// How long the loop's run is, where a budget decides that, and what is told of it and of what is
// left.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "train/interrupt.h"
#include "train/length.h"
#include "train/loop.h"
#include "train/plan.h"

namespace mr {

// `step_seconds`: of one; 0: unknown.
void Loop::tell_plan(double step_seconds) const {
  console_.say(to_text(plan_of(recipe_, static_cast<bool>(job_.evaluate)), recipe_, job_.training_images));
  if (budget_)
    console_.say("      expected end " + time_of_day(budget_->budget - used()) + ", where the budget ends");
  else if (step_seconds > 0) {
    const double left = step_seconds * static_cast<double>(recipe_.train.iterations - state_.iteration);
    console_.say(str("      expected end ", time_of_day(left), ", in ", show_duration(left), " or less: a step on the fullest batch takes ",
                     rounded(step_seconds), " s", job_.evaluate ? "; evaluations take more" : ""));
  }
  if (!budget_ && !recipe_.train.budget.empty() && state_.iteration == 0)
    console_.say(str("      the length was found under a budget of ", recipe_.train.budget, ", and is kept, however long it takes here"));
}

// Of all that was done so far, with evaluations and saving; 0: nothing was.
double Loop::seconds_a_step() const { return state_.iteration > 0 ? earlier_seconds_ / static_cast<double>(state_.iteration) : 0; }

// A length that was planned under a budget is kept. Errors: another budget, which would plan
// another.
void Loop::check_budget(const Recipe& before) const {
  const std::string &was = before.train.budget, &is = recipe_.train.budget;
  if (recipe_.train.iterations == 0 || was.empty() || is.empty()) return;
  const double wanted = parse_duration(is, "train.budget");
  if (wanted == parse_duration(was, "train.budget")) return;
  std::string way = str("; --set train.budget=", was, " goes on with them");
  if (const double step = seconds_a_step(); step > 0 && wanted > earlier_seconds_)
    append(way, str(", and --set train.iterations=", static_cast<int64_t>(wanted / step), " plans about as many as ", is, " would hold"));
  fail(job_.folder, ": train.budget was ", was, ", now ", is, ": the run's ", counted(recipe_.train.iterations, "iteration"),
       " and their learning rates were planned under ", was, way);
}

// Of a run that is resumed: what there is to do, and how long it takes, by the pace so far.
void Loop::tell_rest() const {
  const TrainConfig& t = recipe_.train;
  std::string text = str("resuming at iteration ", state_.iteration);
  if (finished()) return console_.say(text);
  const int64_t left = t.iterations - state_.iteration;
  const double needed = static_cast<double>(left) * seconds_a_step();
  if (t.iterations == 0) append(text, ", before the length of the run was found");
  if (left > 0) append(text, str(" of ", t.iterations, ": ", left, " to do"));
  if (left > 0 && needed > 0) append(text, str(", about ", show_duration(needed), " at ", rounded(seconds_a_step()), " s each"));
  if (t.budget.empty()) return console_.say(text);
  const double rest = parse_duration(t.budget, "train.budget") - earlier_seconds_;
  append(text, str("; of the budget of ", t.budget, rest > 0 ? str(" ", show_duration(rest), " are left") : " nothing is left"));
  console_.say(text);
  if (t.iterations > 0 && needed > rest)
    warn(str("the run keeps its length, for the same bits as one that never stopped, and ends about ", show_duration(needed - rest),
             " after its budget; --set train.iterations=",
             state_.iteration + std::max<int64_t>(static_cast<int64_t>(rest / seconds_a_step()), 1),
             " would end it sooner, with other learning rates"));
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

int64_t Loop::evaluation_every() const { return job_.evaluate ? recipe_.evaluation.every : 0; }

// Of one evaluation, which one member makes for all. None: it was interrupted.
std::optional<double> Loop::estimate_evaluation() const {
  if (!writes() || !job_.evaluate || !job_.estimate_evaluation) return 0;
  try {
    return job_.estimate_evaluation();
  } catch (const Interrupted&) {
    return std::nullopt;
  }
}

// How long the run is to fit into the budget at that pace, by the clock of one member.
int64_t Loop::fitting_iterations(double pace) const {
  const int64_t fitting = budget_->iterations(used(), state_.iteration, pace, evaluations_to_come(), evaluation_every());
  return static_cast<int64_t>(of_first(group_, static_cast<double>(std::min(fitting, most_iterations))));
}

void Loop::fix_length() {
  if (stopping() || !of_first(group_, budget_->time_to_fix(used(), state_.iteration, recipe_.schedule.warmup))) return;
  const std::optional<double> evaluation = estimate_evaluation();
  if (!group_.all_agree(evaluation.has_value())) return;
  budget_->evaluation = of_first(group_, *evaluation);
  const double pace = of_first(group_, pace_.seconds_per_step());
  if (recipe_.evaluation.every_minutes > 0 && recipe_.evaluation.every == 0)
    recipe_.evaluation.every = std::max<int64_t>(std::llround(recipe_.evaluation.every_minutes * 60 / pace), 1);
  const int64_t evaluations = evaluations_to_come(), every = evaluation_every();
  recipe_.train.iterations = fitting_iterations(pace);
  Words words;
  shorten_warmup(recipe_, state_.iteration, words);
  settled_pace_.emplace(0.05 * budget_->budget);
  write_recipe();
  console_.say(str("budget ", recipe_.train.budget, ": ", recipe_.train.iterations, " iterations (", rounded(pace), " s a step, ",
                   counted(evaluations, "evaluation"), " of about ", show_duration(budget_->evaluation),
                   every > 0 ? str(", and one every ", every) : std::string(), "), recorded in recipe.toml"));
  for (const std::string& word : words) console_.say(word);
  tell_plan(pace);
}

// Once, where the pace has settled (train/budget.h).
void Loop::correct_length() {
  if (!may_correct(recipe_, state_.iteration)) return;
  TrainConfig& t = recipe_.train;
  const double pace = of_first(group_, settled_pace_->seconds_per_step());
  const int64_t fitting = fitting_iterations(pace);
  if (!worth_correcting(t.iterations, fitting)) return;
  t.corrected_at = state_.iteration;
  t.corrected_from = std::exchange(t.iterations, fitting);
  Words words;
  shorten_warmup(recipe_, state_.iteration, words);
  write_recipe();
  console_.say(str("budget ", t.budget, ": the pace has settled at ", rounded(pace), " s a step: ", t.iterations, " iterations, not ",
                   t.corrected_from, ", recorded in recipe.toml"));
  for (const std::string& word : words) console_.say(word);
  tell_plan(pace);
}

}  // namespace mr
