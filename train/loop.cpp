#include "train/loop.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "tensor/context.h"
#include "tensor/finite.h"
#include "train/interrupt.h"
#include "train/length.h"
#include "train/plan.h"
#include "train/run_folder.h"

namespace mr {
namespace {

std::string list_of(const std::vector<int64_t>& images) {
  std::string list = " (images";
  for (const int64_t id : images) append(list, str(" ", id));
  return list + ")";
}

}  // namespace

Loop::Loop(Recipe& recipe, LoopJob job, Console& console)
    : recipe_(recipe),
      job_(std::move(job)),
      console_(console),
      optimiser_(recipe.optimiser, job_.system->parameters()),
      ahead_(job_.system->parameters().device().type != DeviceType::cpu) {
  recipe_.train.recorded = true;  // from here on
  if (recipe_.train.iterations == 0) {
    check(!recipe_.train.budget.empty(), "train.iterations: a run needs one of train.iterations, train.epochs and train.budget");
    BudgetPlan& b = budget_.emplace();
    b.budget = parse_duration(recipe_.train.budget, "train.budget");
    b.saving = std::clamp(0.005 * b.budget, 0.2, 5.0);
  }
  for (const Parameter& p : job_.system->parameters().all())
    if (!p.trainable && p.kind == ParameterKind::norm) statistics_.emplace_back(p.var.value(), Tensor::zeros_like(p.var.value()));
}

// The settings of a run that is resumed that are others now; empty: none.
std::string Loop::changes_since(const Recipe& before) const {
  const Recipe was = without_record(before), is = without_record(recipe_);
  std::string changed;
  for (const Difference& d : differences(visit_of(was), visit_of(is)))
    if (!d.before.empty()) append(changed, str(changed.empty() ? "" : "; ", d.key, " was ", d.before, ", now ", d.after));
  return changed;
}

bool Loop::resume() {
  Recipe before;
  std::string changed;
  std::optional<Checkpoint> found;
  try {
    found = load_checkpoint(
        job_.folder + "/checkpoints", job_.system->parameters(), optimiser_.state(), [this](const std::string& text) { warn(text); },
        [&](const Checkpoint& c) {
          before = recipe_from_toml(c.recipe, "the checkpoint's recipe");
          changed = changes_since(before);
        });
  } catch (const Error& e) {
    if (changed.empty()) throw;
    fail(e.what(), "; settings that are not the run's: ", changed, "; --resume with ", shell_word(job_.folder + "/recipe.toml"),
         " in place of the recipe takes all of the run's");
  }
  if (!found) return false;
  state_ = found->state;
  saved_ = state_.iteration;
  earlier_seconds_ = state_.seconds;
  check_budget(before);
  check(changed.empty() || !finished(), job_.folder, ": the run is finished, after iteration ", state_.iteration,
        ", and other settings cannot change it: ", changed, " (more train.iterations go on; another --out starts anew)");
  if (!changed.empty()) console_.say("resuming with another configuration: " + changed);
  tell_rest();
  return true;
}

Ended Loop::run() {
  if (finished() && !evaluation_due()) {
    console_.say("the run was finished already: nothing is left to do");
    return Ended::finished;
  }
  run_started_ = last_save_ = job_.clock();
  const double begin = job_.clock();
  if (job_.fullest) rehearse();  // before there are files: a run that is refused here was none
  if (writes()) metrics_.emplace(job_.folder, state_.iteration, [this](const std::string& text) { warn(text); });
  write_recipe();
  tell_plan(job_.fullest && !ahead_ ? static_cast<double>(recipe_.train.accumulate) * (job_.clock() - begin) : 0);
  next_ = job_.batches(state_.iteration * recipe_.train.accumulate);
  for (;;) {
    bool stops = false, saves = false;
    or_save([&] {
      stops = stopping();
      saves = of_first(group_, checkpoint_due());
      if (evaluation_due() || stops || finished() || saves) settle();
    });
    if (evaluation_due()) {
      check_weights();
      or_save([&] {
        evaluate();
        stops = stopping();
      });
    }
    if (stops) {
      save();
      console_.say(str("stopped at iteration ", state_.iteration, "; --resume goes on from here; its weights are in ", job_.folder,
                       "/last.safetensors", state_.best_iteration > 0 ? ", the best in best.safetensors" : ""));
      return Ended::interrupted;
    }
    if (finished()) break;
    if (saves) save();
    or_save([this] {
      step();
      if (recipe_.train.iterations == 0) fix_length();
      if (settled_pace_ && of_first(group_, std::exchange(settles_, false))) correct_length();
    });
  }
  save();
  return Ended::finished;
}

bool Loop::finished() const {
  const int64_t end = recipe_.train.stop_at > 0 ? recipe_.train.stop_at : recipe_.train.iterations;
  return recipe_.train.iterations > 0 && state_.iteration >= end;
}

// ---- one step ----

void Loop::keep_statistics() {
  for (const auto& [value, before] : statistics_) before.copy_(value);
}

void Loop::restore_statistics() const {
  for (const auto& [value, before] : statistics_) value.copy_(before);
}

void Loop::rehearse() {
  keep_statistics();
  const Losses losses = job_.system->losses(job_.fullest());
  backward(total_loss(losses, weights_of(losses)));
  restore_statistics();
  reserve_headroom(job_.system->parameters().device(), 1.0 / 16);  // where blocks lie differs from step to step
}

void Loop::step() {
  const double begin = job_.clock();
  if (queued_.empty()) settled_ = begin;
  const Parameters& parameters = job_.system->parameters();
  const double lr = learning_rate(recipe_.schedule, recipe_.optimiser.lr, length_at(recipe_.train, state_.iteration), state_.iteration);
  parameters.zero_gradients();
  keep_statistics();
  try {
    queued_.push_back({.iteration = state_.iteration + 1});
    accumulate_gradients(queued_.back());
    group_.sum(parameters.gradients());
    optimiser_.set_rate(lr);
    queued_.back().norm = optimiser_.queue_step();
    if (!ahead_) settle();
  } catch (...) {
    restore_statistics();
    throw;
  }
  ++state_.iteration;
  state_.images += images_per_step(recipe_);
  interval_.lr = lr;
  ++interval_steps_;
  const bool logs = state_.iteration % recipe_.train.log_every == 0 || finished();
  if (logs) settle();
  interval_.seconds += job_.clock() - begin;
  state_.seconds = earlier_seconds_ + job_.clock() - run_started_;
  if (logs) log();
  if (budget_ && recipe_.train.iterations > 0 && !finished() && of_first(group_, budget_->must_stop(used(), pace_.seconds_per_step()))) {
    recipe_.train.stop_at = state_.iteration;
    write_recipe();
    console_.say(str("the budget ends: stopping at iteration ", state_.iteration, " of ", recipe_.train.iterations));
  }
}

double Loop::weight_of(const std::string& term) const {
  return recipe_.losses.weight_of(term) / static_cast<double>(recipe_.train.accumulate);
}

Tensor Loop::weights_of(const Losses& losses) {
  check(!losses.empty(), "train: the model has no losses");
  if (loss_weights_.defined()) return loss_weights_;
  std::vector<float> weights;
  for (const NamedLoss& l : losses) weights.push_back(static_cast<float>(weight_of(l.name)));
  loss_weights_ = Tensor::of<float>({static_cast<int64_t>(losses.size())}, weights).to(losses[0].value.value().device());
  return loss_weights_;
}

void Loop::accumulate_gradients(Queued& step) {
  for (int64_t pass = 0; pass < recipe_.train.accumulate; ++pass) {
    const double asked = job_.clock();
    const DeviceBatch batch = next_();
    interval_.waiting += job_.clock() - asked;
    step.images.insert(step.images.end(), batch.image_ids.begin(), batch.image_ids.end());
    const Losses losses = job_.system->losses(batch);
    for (const NamedLoss& l : losses) step.losses.emplace_back(l.name, l.value.value());
    if (!ahead_) read_losses(step);
    backward(total_loss(losses, weights_of(losses)));
  }
}

void Loop::read_losses(Queued& step) {
  const double share = 1.0 / static_cast<double>(recipe_.train.accumulate);
  const auto losses = std::exchange(step.losses, {});
  const Tensor values = Tensor::empty({static_cast<int64_t>(losses.size())}, DType::f64, Device{});
  for (size_t i = 0; i < losses.size(); ++i) values.data<double>()[i] = losses[i].second.at(0);
  group_.sum(values);
  for (size_t i = 0; i < losses.size(); ++i) {
    const std::string& name = losses[i].first;
    const double value = values.data<double>()[i];
    check(std::isfinite(value), "train: the loss term ", name, " is ", value, " at iteration ", step.iteration, list_of(step.images));
    auto term = std::ranges::find(interval_.terms, name, &std::pair<std::string, double>::first);
    if (term == interval_.terms.end()) term = interval_.terms.insert(term, {name, 0});
    term->second += share * value;
    interval_.loss += weight_of(name) * value;
  }
}

// Reads what the steps since the last call found. On a GPU this waits for them, once.
void Loop::settle() {
  std::vector<Queued> steps = std::exchange(queued_, {});
  std::vector<Tensor> found;
  for (const Queued& step : steps) {
    for (const auto& [name, loss] : step.losses) found.push_back(loss);
    found.push_back(step.norm);
  }
  found = to_cpu(found);
  auto next = found.begin();
  for (Queued& step : steps) {
    for (auto& [name, loss] : step.losses) loss = *next++;
    step.norm = *next++;
    read_losses(step);
    const double norm = step.norm.at(0);
    check_gradient(norm, step);
    interval_.gradient_norm += norm;
  }
  const double now = job_.clock();
  for (size_t i = 0; i < steps.size(); ++i) {
    const double seconds = (now - settled_) / static_cast<double>(steps.size());
    pace_.step(seconds);
    if (settled_pace_ && settled_pace_->step(seconds)) settles_ = true;
  }
  settled_ = now;
}

void Loop::check_gradient(double norm, const Queued& step) const {
  if (std::isfinite(norm)) return;
  const std::string where = str(" at iteration ", step.iteration, list_of(step.images));
  for (const Parameter& p : job_.system->parameters().all()) {
    if (!p.trainable || step.iteration != state_.iteration + 1) continue;  // a later step's gradients stand there
    check(!first_not_finite(p.var.grad().to(Device{}).values<float>()), "train: the gradient of ", p.name, " is not finite", where);
  }
  fail("train: the gradients' norm is ", norm, where);
}

void Loop::log() {
  const auto n = static_cast<double>(interval_steps_);
  StepMetrics m = interval_;
  m.iteration = state_.iteration;
  m.loss /= n;
  m.gradient_norm /= n;
  for (auto& [name, value] : m.terms) value /= n;
  m.images_per_second = n * static_cast<double>(images_per_step(recipe_)) / std::max(interval_.seconds, 1e-9);
  m.waiting /= std::max(interval_.seconds, 1e-9);
  m.seconds = state_.seconds;
  m.memory = allocator_stats(job_.system->parameters().device());
  if (metrics_) metrics_->write(m);
  const double left = static_cast<double>(recipe_.train.iterations - state_.iteration) * interval_.seconds / n;
  console_.progress(progress_line(m, recipe_.train.iterations, left));
  interval_ = {};
  interval_steps_ = 0;
}

}  // namespace mr
