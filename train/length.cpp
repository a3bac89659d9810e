#include "train/length.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace mr {
namespace {

struct Stated {
  int layer = -1;  // −1: nowhere
  std::string where;
};

Stated stated(const std::vector<Setting>& settings, const char* key) {
  const auto last = std::find_if(settings.rbegin(), settings.rend(), [key](const Setting& s) { return s.key == key; });
  return last == settings.rend() ? Stated{} : Stated{last->layer, last->where};
}

struct Length {
  const char* key;
  bool given;
  std::string shown;
  Stated at;
};

// In the order in which they count within one text.
std::array<Length, 3> lengths_of(const Recipe& r, const std::vector<Setting>& settings) {
  const TrainConfig& t = r.train;
  return {{{"train.iterations", t.iterations > 0, str(t.iterations), stated(settings, "train.iterations")},
           {"train.epochs", t.epochs > 0, str(t.epochs), stated(settings, "train.epochs")},
           {"train.budget", !t.budget.empty(), t.budget, stated(settings, "train.budget")}}};
}

std::string named(const Length& l) { return str(l.key, " = ", l.shown, " (", l.at.where, ")"); }

void clear(Recipe& r, const std::string& key) {
  if (key == "train.iterations") r.train.iterations = 0;
  if (key == "train.epochs") r.train.epochs = 0;
  if (key == "train.budget") r.train.budget.clear();
}

// What a run wrote of its budget holds for that run alone.
void forget_record(Recipe& r) {
  TrainConfig& t = r.train;
  t.recorded = false;
  t.stop_at = t.corrected_at = t.corrected_from = 0;
  if (r.schedule.shortened_at > 0) r.schedule.warmup = r.schedule.shortened_from;
  r.schedule.shortened_at = r.schedule.shortened_from = 0;
}

std::string rate_for(double lr, int64_t batch) { return str("learning rate ", rounded(lr), " for ", counted(batch, "image")); }

// Steps that were set after for_batch are this run's.
void keep_own_steps(Recipe& r, const std::vector<Setting>& settings, Words& words) {
  if (r.schedule.for_batch == 0) return;
  const int scaled = stated(settings, "schedule.for_batch").layer;
  const bool own_iterations = r.train.iterations > 0 && stated(settings, "train.iterations").layer > scaled;
  const bool own_warmup = stated(settings, "schedule.warmup").layer > scaled;
  if (!own_iterations && !own_warmup) return;
  const int64_t iterations = r.train.iterations, warmup = r.schedule.warmup, batch = images_per_step(r), for_batch = r.schedule.for_batch;
  const double lr = r.optimiser.lr;
  scale_to_batch(r.schedule, r.optimiser.lr, r.train.iterations, batch);
  if (own_iterations) r.train.iterations = iterations;
  if (own_warmup) r.schedule.warmup = warmup;
  words.push_back(str(rate_for(r.optimiser.lr, batch), " a step (stated: ", rounded(lr), " for ", for_batch, "); ",
                      own_iterations ? "train.iterations" : "", own_iterations && own_warmup ? " and " : "",
                      own_warmup ? "schedule.warmup" : "", " as set, in steps of ", batch));
}

}  // namespace

void decide_length(Recipe& r, const std::vector<Setting>& settings, Words& words) {
  if (r.train.recorded && r.train.iterations == 0) forget_record(r);
  const std::array<Length, 3> all = lengths_of(r, settings);
  const Length* decides = nullptr;
  for (const Length& l : all)
    if (l.given && (decides == nullptr || l.at.layer > decides->at.layer)) decides = &l;
  if (decides != nullptr) {
    if (r.train.recorded && decides->at.layer > stated(settings, "train.recorded").layer) forget_record(r);
    for (const Length& l : all) {
      if (!l.given || &l == decides || r.train.recorded) continue;
      clear(r, l.key);
      words.push_back(str(named(*decides), " decides how long the run is; ", named(l), " does not count"));
    }
  }
  keep_own_steps(r, settings, words);
}

void resolve(Recipe& r, int64_t images, Words& words) {
  const int64_t batch = images_per_step(r), stated_for = r.schedule.for_batch, stated_iterations = r.train.iterations;
  const double stated_lr = r.optimiser.lr;
  scale_to_batch(r.schedule, r.optimiser.lr, r.train.iterations, batch);
  if (stated_for > 0 && stated_for != batch)
    words.push_back(str(rate_for(r.optimiser.lr, batch), " a step (stated: ", rounded(stated_lr), " for ", stated_for, ")",
                        stated_iterations > 0 ? str(", ", r.train.iterations, " iterations (stated: ", stated_iterations, ")") : ""));
  if (r.train.iterations == 0 && r.train.epochs > 0) {
    const double steps = r.train.epochs * static_cast<double>(images) / static_cast<double>(batch);
    check(steps <= static_cast<double>(most_iterations), "train.epochs: ", r.train.epochs, " of ", counted(images, "image"), " are ", steps,
          " steps, expected at most ", most_iterations);
    r.train.iterations = std::max<int64_t>(std::llround(steps), 1);
  }
  const int64_t most = r.train.iterations / 10;
  if (r.train.iterations == 0 || r.train.recorded || r.schedule.warmup <= most) return;
  words.push_back(str("schedule.warmup: ", r.schedule.warmup, " of ", r.train.iterations,
                      " iterations is above a tenth of the run: shortened to ", most));
  r.schedule.warmup = most;
}

void shorten_warmup(Recipe& r, int64_t iteration, Words& words) {
  ScheduleConfig& s = r.schedule;
  if (s.shortened_at > 0 || iteration >= s.warmup || s.warmup <= r.train.iterations / 10) return;
  const int64_t end = std::max(r.train.iterations / 10, iteration + std::max<int64_t>(iteration / 4, 1));
  if (end >= s.warmup) return;
  words.push_back(
      str("schedule.warmup: ", s.warmup, " of ", r.train.iterations, " iterations is above a tenth of the run: it ends after ", end));
  s.shortened_at = iteration;
  s.shortened_from = std::exchange(s.warmup, end);
}

Recipe without_record(Recipe r) {
  forget_record(r);
  if (!r.train.budget.empty()) r.train.iterations = 0;
  if (r.evaluation.every_minutes > 0) r.evaluation.every = 0;
  return r;
}

}  // namespace mr
