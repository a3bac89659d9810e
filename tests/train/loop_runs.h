// Runs of the loop with the fake system, for the tests of the loop.
#pragma once

#include <csignal>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tensor/context.h"
#include "tests/train/fake.h"
#include "train/interrupt.h"

namespace mr::test {

inline Recipe fake_recipe(int64_t iterations) {
  Recipe r;
  r.optimiser.lr = 0.1;
  r.schedule.warmup = 10;
  r.schedule.kind = ScheduleKind::cosine;
  r.train.batch = 4;
  r.train.accumulate = 2;
  r.train.iterations = iterations;
  r.train.log_every = 5;
  r.evaluation.at = {0.5};
  r.checkpoint.every = 7;
  return r;
}

struct Outcome {
  std::vector<float> weights;
  TrainState state;
  Recipe recipe;
  Ended ended = Ended::finished;
  std::string console;
  double seconds = 0;  // by the script's clock
};

struct Script {
  int64_t interrupt_at_batch = -1, nan_at_batch = -1, unreadable_batch = -1, interrupt_at_evaluation = -1, fail_at_evaluation = -1;
  std::function<double(int64_t)> seconds;  // that a batch takes by a clock that tells nothing else; empty: the real clock
  double evaluation = 0;                   // seconds of one, by that clock
  bool rehearse = true;
  const char* rehearsal = nullptr;  // the error of the rehearsed step
  const char* term = "fit";         // the name of the loss
};

inline Outcome run(const std::string& folder, Recipe recipe, const Script& script, bool resume = false) {
  FakeSystem system(script.term);
  Outcome out;
  Console console([&out](const std::string& line) { out.console += line + "\n"; });
  LoopJob job;
  job.system = &system;
  job.folder = folder;
  int64_t evaluation = 0;
  double now = 0;
  if (script.seconds) job.clock = [&now] { return now; };
  job.batches = [&](int64_t first) {
    return [&, k = first]() mutable {
      if (k == script.interrupt_at_batch) std::raise(SIGTERM);
      if (k == script.unreadable_batch) throw Error("a.jpg: cut short");
      if (script.seconds) now += script.seconds(k);
      DeviceBatch b = fake_batch(k, recipe.train.batch);
      if (k == script.nan_at_batch) b.images.fill_(std::numeric_limits<float>::quiet_NaN());
      ++k;
      return b;
    };
  };
  if (script.rehearse)
    job.fullest = [&] {
      if (script.rehearsal != nullptr) throw Error(script.rehearsal);
      return fake_batch(-1, recipe.train.batch);
    };
  job.evaluate = [&] {
    if (evaluation == script.fail_at_evaluation) throw Error("b.jpg: cut short");
    if (evaluation++ == script.interrupt_at_evaluation) std::raise(SIGTERM);
    stop_if_interrupted();
    now += script.evaluation;
    return EvaluationOutcome{system.parameters().weights().at(0), "AP 0.5", "{\"AP\": 0.5}"};
  };
  job.estimate_evaluation = [&] { return script.evaluation; };
  job.save_weights = [&](const std::string& path) { std::ofstream(path) << system.parameters().weights().at(0); };
  const ContextGuard guard;
  context().threads = 1;
  catch_interrupts();
  Loop loop(recipe, job, console);
  if (resume) loop.resume();
  out.ended = loop.run();
  out.weights = all_values(system.parameters());
  out.state = loop.state();
  out.recipe = recipe;
  out.seconds = now;
  catch_interrupts();  // forget the signal
  return out;
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace mr::test
