#include "train/loop.h"

#include <csignal>
#include <fstream>
#include <limits>

#include "base/files.h"
#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/train/event_records.h"
#include "tests/train/fake.h"
#include "train/interrupt.h"

using namespace mr;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

Recipe fake_recipe(int64_t iterations) {
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
  const char* term = "fit";  // the name of the loss
};

Outcome run(const std::string& folder, Recipe recipe, const Script& script, bool resume = false) {
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
      Batch b = fake_batch(k, recipe.train.batch);
      if (k == script.nan_at_batch) b.images.fill_(std::numeric_limits<float>::quiet_NaN());
      ++k;
      return b;
    };
  };
  if (script.rehearse) job.fullest = [&] { return fake_batch(-1, recipe.train.batch); };
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

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("the loop trains, evaluates, logs and leaves its files", "[loop]") {
  const TestFolder folder;
  const Outcome o = run(folder.path(), fake_recipe(60), {});
  CHECK(o.ended == Ended::finished);
  CHECK(o.state.iteration == 60);
  CHECK(o.state.images == 60 * 8);
  for (const char* name :
       {"recipe.toml", "metrics.jsonl", "best.safetensors", "last.safetensors", "checkpoints/iteration_00000060.checkpoint"})
    CHECK(fs::exists(folder / name));
  const auto lines = lines_of(folder / "metrics.jsonl");
  CHECK(lines.size() == 12 + 2);  // every 5 iterations, after the half and at the end
  CHECK_THROWS_WITH(throw Error(lines.front()), Contains("\"losses\":{\"fit\":"));
  CHECK_THROWS_WITH(throw Error(lines.front()), Contains("system_allocations"));
  CHECK_THROWS_WITH(throw Error(lines.back()), Contains("\"evaluation\":{\"AP\":0.5}"));
  const auto fit = [](const std::string& line) { return std::stod(line.substr(line.find("\"fit\":") + 6)); };
  CHECK(fit(lines[12]) < 0.5 * fit(lines[0]));
  CHECK_THROWS_WITH(throw Error(o.console), Contains("evaluation after iteration 30"));
}

TEST_CASE("a run that stops and is resumed gives the same bits as one that never stopped", "[loop]") {
  const OptimiserKind kind = GENERATE(OptimiserKind::sgd, OptimiserKind::adam, OptimiserKind::adamw);
  const TestFolder whole;
  Recipe recipe = fake_recipe(30);
  recipe.optimiser.kind = kind;
  const Outcome expected = run(whole.path(), recipe, {});
  for (const int64_t at : {0, 1, 13, 29, 30, 31, 59}) {
    INFO("interrupted in batch " << at);
    const TestFolder folder;
    Script script;
    script.interrupt_at_batch = at;
    CHECK(run(folder.path(), recipe, script).ended == Ended::interrupted);
    const Outcome o = run(folder.path(), recipe, {}, true);
    CHECK(o.ended == Ended::finished);
    CHECK(o.weights == expected.weights);
    CHECK(o.state.best == expected.state.best);
    CHECK(o.state.best_iteration == expected.state.best_iteration);
    const auto lines = lines_of(folder / "metrics.jsonl");
    size_t evaluations = 0;
    for (const std::string& l : lines) evaluations += l.find("\"evaluation\"") != std::string::npos;
    CHECK(evaluations == 2);
    CHECK(test::shown(folder.path()) == test::told(folder.path()));
  }
}

TEST_CASE("the rehearsed step leaves no trace", "[loop]") {
  const TestFolder with, without;
  Script script;
  const Outcome a = run(with.path(), fake_recipe(10), script);
  script.rehearse = false;
  CHECK(run(without.path(), fake_recipe(10), script).weights == a.weights);
}

TEST_CASE("an interrupted evaluation is done again on resuming", "[loop]") {
  const TestFolder whole, folder;
  const Outcome expected = run(whole.path(), fake_recipe(30), {});
  Script script;
  script.interrupt_at_evaluation = 0;
  CHECK(run(folder.path(), fake_recipe(30), script).ended == Ended::interrupted);
  const Outcome o = run(folder.path(), fake_recipe(30), {}, true);
  CHECK(o.weights == expected.weights);
  CHECK(o.state.best_iteration == expected.state.best_iteration);
}

TEST_CASE("killed, with the newest checkpoint damaged: the older one gives the same bits", "[loop]") {
  const TestFolder whole, folder;
  const Outcome expected = run(whole.path(), fake_recipe(30), {});
  Script script;
  script.interrupt_at_batch = 50;  // stops after iteration 26; the checkpoint before it is that of 21
  CHECK(run(folder.path(), fake_recipe(30), script).ended == Ended::interrupted);
  const std::string newest = folder / "checkpoints/iteration_00000026.checkpoint";
  REQUIRE(fs::exists(newest));
  fs::resize_file(newest, 100);
  const Outcome o = run(folder.path(), fake_recipe(30), {}, true);
  CHECK_THROWS_WITH(throw Error(o.console), Contains("WARNING: passing over a damaged checkpoint"));
  CHECK_THROWS_WITH(throw Error(o.console), Contains("resuming at iteration 21"));
  CHECK(o.weights == expected.weights);
  CHECK(test::shown(folder.path()) == test::told(folder.path()));
}

TEST_CASE("a run that an error ends saves what was reached before it, and goes on from there to the same bits", "[loop]") {
  const TestFolder whole;
  const Outcome expected = run(whole.path(), fake_recipe(30), {});
  struct Case {
    Script script;
    std::string error;
  };
  std::vector<Case> cases(5);
  cases[0].script.nan_at_batch = 50;
  cases[0].error =
      "the loss term fit is nan at iteration 26 (images 200 201 202 203); saved as after iteration 25, from where --resume goes on "
      "(without that checkpoint, from iteration 21)";
  cases[1].script.nan_at_batch = 51;  // in the second pass of a step: the first has moved the statistics of norms
  cases[1].error = "at iteration 26 (images 200 201 202 203 204 205 206 207); saved as after iteration 25";
  cases[2].script.unreadable_batch = 51;
  cases[2].error = "a.jpg: cut short; saved as after iteration 25";
  cases[3].script.unreadable_batch = 0;
  cases[3].error = "a.jpg: cut short; saved as after iteration 0";
  cases[4].script.fail_at_evaluation = 0;
  cases[4].error = "b.jpg: cut short; saved as after iteration 15";
  for (const Case& c : cases) {
    INFO(c.error);
    const TestFolder folder;
    CHECK_THROWS_WITH(run(folder.path(), fake_recipe(30), c.script), Contains(c.error));
    CHECK(fs::exists(folder / "last.safetensors"));
    const Outcome o = run(folder.path(), fake_recipe(30), {}, true);
    CHECK(o.weights == expected.weights);
    CHECK(o.state.best_iteration == expected.state.best_iteration);
  }
}

TEST_CASE("weights that are not finite are never saved over good ones", "[loop]") {
  const TestFolder whole, folder, fresh;
  const Outcome expected = run(whole.path(), fake_recipe(30), {});
  Script script;
  script.interrupt_at_batch = 13;
  CHECK(run(folder.path(), fake_recipe(30), script).ended == Ended::interrupted);
  Recipe wild = fake_recipe(30);
  wild.optimiser.lr = 3e38;
  wild.optimiser.weight_decay = 1e4;
  wild.checkpoint.every = 0;
  CHECK_THROWS_WITH(run(folder.path(), wild, {}, true), Contains("which is not saved; --resume goes on from iteration 7"));
  CHECK(run(folder.path(), fake_recipe(30), {}, true).weights == expected.weights);
  wild.schedule.warmup = 0;
  CHECK_THROWS_WITH(run(fresh.path(), wild, {}), Contains("which is not saved; there is no checkpoint yet"));
  CHECK_FALSE(fs::exists(fresh / "last.safetensors"));
}

TEST_CASE("a finished run is left as it is", "[loop]") {
  const TestFolder folder;
  run(folder.path(), fake_recipe(30), {});
  const auto files = [&] {
    std::string all;
    for (const char* name : {"recipe.toml", "metrics.jsonl", "best.safetensors", "last.safetensors"})
      all += read_text_file(folder / name) + std::to_string(fs::last_write_time(folder / name).time_since_epoch().count());
    return all;
  };
  const std::string before = files();
  const Outcome again = run(folder.path(), fake_recipe(30), {}, true);
  CHECK(again.ended == Ended::finished);
  CHECK_THROWS_WITH(throw Error(again.console), Contains("nothing is left to do"));
  Recipe changed = fake_recipe(20);
  changed.optimiser.momentum = 0.5;
  CHECK_THROWS_WITH(run(folder.path(), changed, {}, true),
                    Contains("the run is finished, after iteration 30") &&
                        Contains("optimiser.momentum was 0.9, now 0.5; train.iterations was 30, now 20"));
  CHECK(files() == before);
  CHECK(run(folder.path(), fake_recipe(40), {}, true).state.iteration == 40);
}

TEST_CASE("resuming shows what changed in the configuration", "[loop]") {
  const TestFolder folder;
  Script script;
  script.interrupt_at_batch = 13;
  run(folder.path(), fake_recipe(30), script);
  Recipe changed = fake_recipe(30);
  changed.optimiser.momentum = 0.5;
  const Outcome o = run(folder.path(), changed, {}, true);
  CHECK_THROWS_WITH(throw Error(o.console), Contains("optimiser.momentum was 0.9, now 0.5"));
}

TEST_CASE("resuming with another optimiser is an error that names what is missing", "[loop]") {
  const TestFolder folder;
  Script script;
  script.interrupt_at_batch = 13;
  run(folder.path(), fake_recipe(30), script);
  Recipe changed = fake_recipe(30);
  changed.optimiser.kind = OptimiserKind::adamw;
  CHECK_THROWS_WITH(
      run(folder.path(), changed, {}, true),
      Contains("holds no mean, which this optimiser remembers (mean, square, powers): the run was begun with another optimiser.kind"));
}

TEST_CASE("a term of the loss counts for its weight, and is logged without it", "[loop]") {
  Recipe r = fake_recipe(6);
  r.optimiser.weight_decay = 0;
  r.train.log_every = 1;
  const auto trained = [](Recipe recipe, const char* term) {
    const TestFolder folder;
    Script script;
    script.term = term;
    const Outcome o = run(folder.path(), recipe, script);
    return std::pair(o.weights, lines_of(folder / "metrics.jsonl").front());
  };
  const auto plain = trained(r, "box");
  Recipe twice = r;
  twice.losses.box = 2;
  twice.optimiser.lr = r.optimiser.lr / 2;  // powers of two: the same bits
  const auto weighted = trained(twice, "box");
  CHECK(weighted.first == plain.first);
  CHECK(trained(twice, "mask").first != plain.first);
  const auto number = [](const std::string& line, const std::string& key) {
    return std::stod(line.substr(line.find("\"" + key + "\":") + key.size() + 3));
  };
  CHECK(number(weighted.second, "box") == number(plain.second, "box"));
  CHECK(number(weighted.second, "loss") == Approx(2 * number(plain.second, "loss")));
}

namespace {

// A run whose warm-up is ten steps of one batch each.
Recipe budget_recipe(const char* budget) {
  Recipe r = fake_recipe(0);
  r.train.accumulate = 1;
  r.train.budget = budget;
  r.evaluation.at = {};
  r.checkpoint.every = 0;
  return r;
}

Script timed(std::function<double(int64_t)> seconds) {
  Script script;
  script.seconds = std::move(seconds);
  script.evaluation = 4;
  return script;
}

// Slow for as long as something else runs on the machine.
double slow_start(int64_t batch) { return batch < 12 ? 1.0 : 0.5; }

}  // namespace

TEST_CASE("a budget fixes the length, is kept, and its record gives the same bits again", "[loop]") {
  const TestFolder folder, again;
  const Outcome o = run(folder.path(), budget_recipe("100s"), timed([](int64_t) { return 0.5; }));
  CHECK(o.seconds <= 100);
  CHECK(o.seconds > 97);
  const Recipe recorded = load_recipe(folder / "recipe.toml");
  CHECK(recorded.train.iterations == 10 + static_cast<int64_t>((100 - 5 - 0.5 - 1.15 * 4) / 0.5));
  CHECK(recorded.train.corrected_at == 0);
  CHECK(recorded.train.stop_at == 0);
  CHECK(o.state.iteration == recorded.train.iterations);
  CHECK(run(again.path(), recorded, {}).weights == o.weights);
}

TEST_CASE("under a budget that turns out too short the run stops early and still evaluates", "[loop]") {
  const TestFolder folder;
  const Outcome o = run(folder.path(), budget_recipe("100s"), timed([](int64_t batch) { return batch < 120 ? 0.5 : 3.0; }));
  CHECK(o.seconds <= 100);
  CHECK(o.recipe.train.stop_at > 120);
  CHECK(o.recipe.train.stop_at < o.recipe.train.iterations);
  CHECK(o.state.evaluated == o.recipe.train.stop_at);
  CHECK(fs::exists(folder / "best.safetensors"));
}

TEST_CASE("evaluations at intervals have their place in a budget", "[loop]") {
  const TestFolder folder;
  Recipe r = budget_recipe("200s");
  SECTION("in steps") { r.evaluation.every = 20; }
  SECTION("in minutes") { r.evaluation.every_minutes = 10.0 / 60; }
  const Outcome o = run(folder.path(), r, timed([](int64_t) { return 0.5; }));
  CHECK(o.recipe.evaluation.every == 20);
  CHECK(o.recipe.train.stop_at == 0);
  CHECK(o.seconds <= 200);
  CHECK(o.seconds > 180);
}

TEST_CASE("a length fixed at the end of a slow warm-up is corrected once, to the same bits when run again or resumed", "[loop]") {
  const TestFolder folder, again, killed;
  const Outcome o = run(folder.path(), budget_recipe("100s"), timed(slow_start));
  CHECK(o.seconds <= 100);
  CHECK(o.seconds > 97);  // 58 without the correction
  const TrainConfig& t = o.recipe.train;
  CHECK(t.corrected_from == 10 + static_cast<int64_t>((100 - 10 - 0.5 - 1.15 * 4) / 1.0));
  CHECK(t.corrected_at == 40);  // the third window; the first holds two slow steps, the second differs from it
  CHECK(t.iterations == 40 + static_cast<int64_t>((100 - 26 - 0.5 - 1.15 * 4) / 0.5));
  CHECK(o.state.iteration == t.iterations);
  CHECK_THROWS_WITH(throw Error(o.console), Contains("the pace has settled at 0.5 s a step: 177 iterations, not 94"));
  const Recipe recorded = load_recipe(folder / "recipe.toml");
  CHECK(differences(visit_of(recorded), visit_of(o.recipe)).empty());
  CHECK(run(again.path(), recorded, {}).weights == o.weights);
  for (const int64_t at : {37, 40, 41, 100}) {
    Script script;
    script.interrupt_at_batch = at;
    const TestFolder stopped;
    CHECK(run(stopped.path(), recorded, script).ended == Ended::interrupted);
    CHECK(run(stopped.path(), recorded, {}, true).weights == o.weights);
  }
  Recipe wrong = recorded;  // the record matters
  wrong.train.corrected_at = wrong.train.corrected_from = 0;
  CHECK(run(killed.path(), wrong, {}).weights != o.weights);
}

TEST_CASE("a run that slows down for good is shortened, so that its rate comes down to the end", "[loop]") {
  const TestFolder folder;
  const Outcome o = run(folder.path(), budget_recipe("100s"), timed([](int64_t batch) { return batch < 20 ? 0.5 : 1.0; }));
  CHECK(o.recipe.train.corrected_at == 40);
  CHECK(o.recipe.train.iterations < o.recipe.train.corrected_from);
  CHECK(o.recipe.train.stop_at == 0);
  CHECK(o.seconds <= 100);
  CHECK(o.seconds > 96);
}

TEST_CASE("a length is not corrected for a little, for a moment, or late", "[loop]") {
  const auto corrected_at = [](const Recipe& recipe, std::function<double(int64_t)> seconds) {
    const TestFolder folder;
    return run(folder.path(), recipe, timed(std::move(seconds))).recipe.train.corrected_at;
  };
  Recipe r = budget_recipe("100s");
  CHECK(corrected_at(r, [](int64_t batch) { return batch < 12 ? 0.5 : 0.47; }) == 0);
  CHECK(corrected_at(r, [](int64_t batch) { return batch >= 40 && batch < 44 ? 1.5 : 0.5; }) == 0);
  CHECK(corrected_at(r, [](int64_t batch) { return batch < 50 ? 1.0 : 0.5; }) == 0);  // half of the run is over
  CHECK(corrected_at(r, slow_start) == 40);
  r.schedule.kind = ScheduleKind::step;
  r.schedule.milestones = {0.4, 0.8};
  CHECK(corrected_at(r, slow_start) == 0);  // the rate has been cut at step 38
  r.schedule.milestones = {0.6};
  CHECK(corrected_at(r, slow_start) == 40);
}

TEST_CASE("a pace settles where two windows agree", "[pace]") {
  SettledPace pace(10);
  const auto settles_after = [&pace](double seconds) {
    for (int n = 1; n <= 100; ++n)
      if (pace.step(seconds)) return n;
    return -1;
  };
  CHECK(settles_after(1) == 20);  // two windows of ten seconds
  CHECK(pace.seconds_per_step() == 1);
  CHECK(settles_after(0.5) == 40);
  CHECK(pace.seconds_per_step() == 0.5);
  CHECK(settles_after(2) == 20);  // ten steps a window at least
  CHECK(settles_after(2.1) == 10);
  CHECK(pace.seconds_per_step() == Approx(2.05));
}

TEST_CASE("durations", "[pace]") {
  CHECK(parse_duration("30m", "x") == 1800);
  CHECK(parse_duration("1h30m", "x") == 5400);
  CHECK(parse_duration("0.5s", "x") == 0.5);
  for (const char* bad : {"", "30", "m", "30x", "-5m", "0s", "nanm", "5m 3", "1e999h"})
    CHECK_THROWS_WITH(parse_duration(bad, "train.budget"), Contains("train.budget: expects a time such as"));
  CHECK(show_duration(3725) == "1h02m");
  CHECK(show_duration(185) == "3m05s");
  CHECK(show_duration(42) == "42s");
}
