#include "train/loop.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

#include "base/files.h"
#include "tensor/context.h"
#include "tests/catch.h"
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
};

struct Script {
  int64_t interrupt_at_batch = -1, nan_at_batch = -1, unreadable_batch = -1, interrupt_at_evaluation = -1, fail_at_evaluation = -1;
  int sleep_ms = 0, sleep_ms_later = 0;  // a batch; later: from number 15 on, when the length is fixed
  double estimate = 0;
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
  job.batches = [&](int64_t first) {
    return [&, k = first]() mutable {
      if (k == script.interrupt_at_batch) std::raise(SIGTERM);
      const int ms = k >= 15 && script.sleep_ms_later > 0 ? script.sleep_ms_later : script.sleep_ms;
      if (k == script.unreadable_batch) throw Error("a.jpg: cut short");
      std::this_thread::sleep_for(std::chrono::milliseconds(ms));
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
    return EvaluationOutcome{system.parameters().weights().at(0), "AP 0.5", "{\"AP\": 0.5}"};
  };
  job.estimate_evaluation = [&] { return script.estimate; };
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
  const TestFolder whole;
  const Outcome expected = run(whole.path(), fake_recipe(30), {});
  for (const int64_t at : {0, 1, 13, 29, 30, 31, 59}) {
    INFO("interrupted in batch " << at);
    const TestFolder folder;
    Script script;
    script.interrupt_at_batch = at;
    CHECK(run(folder.path(), fake_recipe(30), script).ended == Ended::interrupted);
    const Outcome o = run(folder.path(), fake_recipe(30), {}, true);
    CHECK(o.ended == Ended::finished);
    CHECK(o.weights == expected.weights);
    CHECK(o.state.best == expected.state.best);
    CHECK(o.state.best_iteration == expected.state.best_iteration);
    const auto lines = lines_of(folder / "metrics.jsonl");
    size_t evaluations = 0;
    for (const std::string& l : lines) evaluations += l.find("\"evaluation\"") != std::string::npos;
    CHECK(evaluations == 2);
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

TEST_CASE("a budget fixes the length, is kept, and its record gives the same bits again", "[loop]") {
  const TestFolder folder, again;
  Recipe r = fake_recipe(0);
  r.train.accumulate = 1;
  r.train.budget = std::to_string(seconds_since_start() + 0.8) + "s";  // the clock runs from the start of the test program
  Script script;
  script.sleep_ms = 5;
  script.estimate = 0.05;
  const double begin = seconds_since_start();
  const Outcome o = run(folder.path(), r, script);
  CHECK(seconds_since_start() - begin < 1.0);
  CHECK(o.recipe.train.iterations > 10);
  const Recipe recorded = load_recipe(folder / "recipe.toml");
  CHECK(recorded.train.iterations == o.recipe.train.iterations);
  CHECK(recorded.train.stop_at == o.recipe.train.stop_at);
  CHECK(o.state.iteration == (recorded.train.stop_at > 0 ? recorded.train.stop_at : recorded.train.iterations));
  CHECK(run(again.path(), recorded, {}).weights == o.weights);
}

TEST_CASE("under a budget that turns out too short the run stops early and still evaluates", "[loop]") {
  const TestFolder folder;
  Recipe r = fake_recipe(0);
  r.train.accumulate = 1;
  r.train.budget = std::to_string(seconds_since_start() + 1.0) + "s";
  Script script;
  script.sleep_ms = 5;
  script.sleep_ms_later = 30;
  const Outcome o = run(folder.path(), r, script);
  CHECK(o.recipe.train.stop_at > 0);
  CHECK(o.recipe.train.stop_at < o.recipe.train.iterations);
  CHECK(o.state.evaluated == o.recipe.train.stop_at);
  CHECK(fs::exists(folder / "best.safetensors"));
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
