#include "train/loop.h"

#include "base/files.h"
#include "tests/catch.h"
#include "tests/train/event_records.h"
#include "tests/train/loop_runs.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

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
  CHECK_THROWS_WITH(throw Error(run(folder.path(), changed, {}, true).console),
                    !Contains("another configuration"));  // the same need no word
}

TEST_CASE("a run that is stopped says where its weights are", "[loop]") {
  const TestFolder early, late;
  Script script;
  script.interrupt_at_batch = 13;
  CHECK_THROWS_WITH(throw Error(run(early.path(), fake_recipe(30), script).console),
                    Contains("stopped at iteration 7; --resume goes on from here; its weights are in " + (early / "last.safetensors\n")));
  script.interrupt_at_batch = 40;
  CHECK_THROWS_WITH(throw Error(run(late.path(), fake_recipe(30), script).console),
                    Contains("last.safetensors, the best in best.safetensors\n"));
}

TEST_CASE("a run that is refused before its first step leaves no file", "[loop]") {
  const TestFolder folder;
  Script script;
  script.rehearsal = "no memory";
  CHECK_THROWS_WITH(run(folder.path(), fake_recipe(30), script), Contains("no memory"));
  CHECK_FALSE(is_there(folder / "recipe.toml"));
  CHECK_FALSE(is_there(folder / "metrics.jsonl"));
}

TEST_CASE("resuming with another optimiser is an error that names what is missing, and the setting", "[loop]") {
  const TestFolder folder;
  Script script;
  script.interrupt_at_batch = 13;
  run(folder.path(), fake_recipe(30), script);
  Recipe changed = fake_recipe(30);
  changed.optimiser.kind = OptimiserKind::adamw;
  CHECK_THROWS_WITH(
      run(folder.path(), changed, {}, true),
      Contains("holds no mean, which this optimiser remembers (mean, square, powers): the run was begun with another optimiser.kind") &&
          Contains("settings that are not the run's: optimiser.kind was \"sgd\", now \"adamw\"; --resume with " + folder.path() +
                   "/recipe.toml in place of the recipe takes all of the run's"));
  changed = load_recipe(folder / "recipe.toml");
  CHECK(run(folder.path(), changed, {}, true).ended == Ended::finished);
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
  twice.losses.weights["box"] = 2;
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
