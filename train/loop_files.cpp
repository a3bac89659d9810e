// What the loop evaluates and writes down, and what becomes of a run that fails.
#include <utility>

#include "base/files.h"
#include "tensor/finite.h"
#include "train/loop.h"
#include "train/plan.h"
#include "train/run_folder.h"

namespace mr {

// Does a part of the run. Where it fails the run ends, and the error tells what of it is saved.
void Loop::or_save(const std::function<void()>& part) {
  try {
    part();
  } catch (const Error& e) {
    std::string outcome = str("saved as after iteration ", state_.iteration, ", from where --resume goes on");
    if (saved_ >= 0 && saved_ < state_.iteration) append(outcome, str(" (without that checkpoint, from iteration ", saved_, ")"));
    try {
      save();
    } catch (const Error& e2) {
      outcome = e2.what();
    }
    fail(e.what(), "; ", outcome);
  }
}

// Before weights are saved: never over good ones.
void Loop::check_weights() const {
  for (const Parameter& p : job_.system->parameters().all()) {
    const Tensor weights = p.var.value().to(Device{});
    const auto values = weights.values<float>();
    const auto bad = first_not_finite(values);
    check(!bad, "train: ", p.name, " holds ", bad ? values[*bad] : 0, " after iteration ", state_.iteration, ", which is not saved; ",
          saved_ >= 0 ? str("--resume goes on from iteration ", saved_) : "there is no checkpoint yet");
  }
}

bool Loop::evaluation_due() const {
  const int64_t it = state_.iteration;
  if (!job_.evaluate || it == 0 || state_.evaluated >= it) return false;
  if (finished()) return true;
  return evaluates_at(recipe_, it);
}

// One member evaluates for all. None: it was interrupted.
std::optional<EvaluationOutcome> Loop::try_evaluation() const {
  if (!writes()) return EvaluationOutcome{};
  try {
    return job_.evaluate();
  } catch (const Interrupted&) {
    return std::nullopt;
  }
}

void Loop::evaluate() {
  const double begin = job_.clock();
  const std::optional<EvaluationOutcome> done = try_evaluation();
  if (!group_.all_agree(done.has_value())) return;  // run() saves; the evaluation is due again on resuming
  const double seconds = job_.clock() - begin, score = of_first(group_, done->score);
  if (budget_) budget_->evaluation = seconds;
  const bool best = state_.best_iteration == 0 || score > state_.best;
  if (best) {
    if (writes()) job_.save_weights(job_.folder + "/best.safetensors");
    state_.best = score;
    state_.best_iteration = state_.iteration;
  }
  state_.evaluated = state_.iteration;
  if (metrics_) metrics_->write_evaluation(state_.iteration, done->json, seconds);  // last: what fails before is done again on resuming
  console_.say(str("evaluation after iteration ", state_.iteration, " (", show_duration(seconds), "): ", done->summary,
                   best ? "  (best so far)" : ""));
}

bool Loop::checkpoint_due() const {
  const CheckpointConfig& c = recipe_.checkpoint;
  if (state_.iteration == 0) return false;
  if (c.every > 0 && state_.iteration % c.every == 0) return true;
  return c.every_minutes > 0 && job_.clock() - last_save_ >= 60 * c.every_minutes;
}

void Loop::save() {
  check_weights();
  if (writes()) write_files();
  saved_ = state_.iteration;
  last_save_ = job_.clock();
}

// The checkpoint comes last: a run that is found finished has its weights beside it.
void Loop::write_files() {
  if (metrics_) metrics_->retry();
  job_.save_weights(job_.folder + "/last.safetensors");
  if (finished() && !job_.evaluate) job_.save_weights(job_.folder + "/best.safetensors");
  Checkpoint c;
  c.recipe = to_toml(recipe_, false);
  c.config_hash = config_hash(visit_of(recipe_));
  c.state = state_;
  save_checkpoint(job_.folder + "/checkpoints", c, job_.system->parameters(), optimiser_.state(), recipe_.checkpoint.keep);
  note_saved(job_.folder);
}

void Loop::write_recipe() const {
  if (writes()) write_text_file(job_.folder + "/recipe.toml", to_toml(recipe_));
}

}  // namespace mr
