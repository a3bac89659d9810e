#include <cstdlib>
#include <optional>

#include "tests/catch.h"
#include "tests/train/loop_runs.h"
#include "train/loop.h"
#include "train/pace.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

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
  CHECK(t.corrected_from == 6 + static_cast<int64_t>((100 - 6 - 0.5 - 1.15 * 4) / 1.0));
  CHECK(t.corrected_at == 36);  // the third window; the first holds six slow steps, the second differs from it
  CHECK(t.iterations == 36 + static_cast<int64_t>((100 - 24 - 0.5 - 1.15 * 4) / 0.5));
  CHECK(o.state.iteration == t.iterations);
  CHECK_THROWS_WITH(throw Error(o.console), Contains("the pace has settled at 0.5 s a step: 177 iterations, not 94"));
  const Recipe recorded = load_recipe(folder / "recipe.toml");
  CHECK(differences(visit_of(recorded), visit_of(o.recipe)).empty());
  CHECK(run(again.path(), recorded, {}).weights == o.weights);
  for (const int64_t at : {30, 36, 37, 100}) {
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
  CHECK(corrected_at(r, slow_start) == 36);
  r.schedule.kind = ScheduleKind::step;
  r.schedule.milestones = {0.35, 0.8};
  CHECK(corrected_at(r, slow_start) == 0);  // the rate has been cut at step 33
  r.schedule.milestones = {0.6};
  CHECK(corrected_at(r, slow_start) == 36);
}

TEST_CASE("under a budget a warm-up is a tenth of the run at most", "[loop]") {
  for (const int64_t warmup : {10, 16, 20, 30, 40, 60, 100, 1000}) {
    INFO("a warm-up of " << warmup);
    const TestFolder folder, again;
    Recipe r = budget_recipe("100s");
    r.schedule.warmup = warmup;
    const Outcome o = run(folder.path(), r, timed([](int64_t) { return 0.5; }));
    CHECK(o.recipe.train.iterations > 150);
    CHECK(o.recipe.schedule.warmup <= o.recipe.train.iterations / 10);
    CHECK(o.recipe.schedule.warmup >= std::min<int64_t>(warmup, o.recipe.train.iterations / 10));
    CHECK(run(again.path(), o.recipe, {}).weights == o.weights);
  }
}

namespace {

// A run under a budget of 100 s that was stopped by a signal in that batch; what it has recorded.
Recipe stopped(const TestFolder& folder, const Recipe& recipe, int64_t batch, double seconds) {
  Script script = timed([seconds](int64_t) { return seconds; });
  script.interrupt_at_batch = batch;
  CHECK(run(folder.path(), recipe, script).ended == Ended::interrupted);
  return load_recipe(folder / "recipe.toml");
}

}  // namespace

TEST_CASE("a run that is resumed keeps its length, and says what that takes of the budget", "[loop]") {
  const TestFolder folder, whole, slow;
  const Recipe recorded = stopped(folder, budget_recipe("100s"), 60, 0.5);
  CHECK(recorded.train.iterations == 189);
  const Outcome o = run(folder.path(), recorded, timed([](int64_t) { return 0.5; }), true);
  CHECK_THROWS_WITH(
      throw Error(o.console),
      Contains("resuming at iteration 61 of 189: 128 to do, about 1m04s at 0.5 s each; of the budget of 100s 1m10s are left\n") &&
          !Contains("WARNING"));
  CHECK(o.weights == run(whole.path(), recorded, {}).weights);
  // On a machine that has become slow the run ends later.
  const Recipe late = stopped(slow, recorded, 60, 1.5);
  const Outcome l = run(slow.path(), late, timed([](int64_t) { return 1.5; }), true);
  CHECK_THROWS_WITH(
      throw Error(l.console),
      Contains("128 to do, about 3m12s at 1.5 s each; of the budget of 100s 9s are left\nWARNING: the run keeps its length, ") &&
          Contains("ends about 3m04s after its budget; --set train.iterations=66 would end it sooner"));
  CHECK(l.weights == o.weights);
}

TEST_CASE("another budget is refused where the length was planned under the first", "[loop]") {
  const TestFolder folder;
  Recipe r = stopped(folder, budget_recipe("100s"), 60, 0.5);
  r.train.budget = "200s";
  CHECK_THROWS_WITH(run(folder.path(), r, {}, true),
                    Contains(folder.path() + ": train.budget was 100s, now 200s: the run's 189 iterations and their learning rates were "
                                             "planned under 100s; --set train.budget=100s goes on with them, and --set "
                                             "train.iterations=400 plans about as many as 200s would hold"));
  r.train.budget = "1m40s";  // the same
  CHECK(run(folder.path(), r, {}, true).ended == Ended::finished);
}

TEST_CASE("a run that is resumed before its length was found has what is left of the budget, or of another", "[loop]") {
  for (const double budget : {100.0, 200.0}) {
    const TestFolder folder;
    Recipe r = stopped(folder, budget_recipe("100s"), 3, 4);
    CHECK(r.train.iterations == 0);
    r.train.budget = budget < 150 ? "100s" : "200s";
    const Outcome o = run(folder.path(), r, timed([](int64_t) { return 0.5; }), true);
    CHECK_THROWS_WITH(throw Error(o.console),
                      Contains("resuming at iteration 4, before the length of the run was found; of the budget of "));
    CHECK(o.recipe.train.stop_at == 0);
    CHECK(16 + o.seconds <= budget);
    CHECK(16 + o.seconds > budget - 4);
  }
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

namespace {

// The local time of the test's scope.
class TimeZone {
 public:
  explicit TimeZone(const char* zone) {
    if (const char* was = std::getenv("TZ")) before_ = was;
    setenv("TZ", zone, 1);
    tzset();
  }
  ~TimeZone() {
    before_ ? setenv("TZ", before_->c_str(), 1) : unsetenv("TZ");
    tzset();
  }
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("until a time of the day, today or tomorrow, and over the hour that summer time takes", "[pace]") {
  const auto until = [](const std::string& clock, double now) { return seconds_until(clock, "--until", now); };
  {
    const TimeZone utc("UTC0");
    CHECK(until("07:00", 0) == 7 * 3600);
    CHECK(until("7:00", 0) == 7 * 3600);
    CHECK(until("07:00", 7 * 3600) == 86400);
    CHECK(until("07:00", 7 * 3600 - 0.5) == 0.5);
    CHECK(until("00:00", 86399) == 1);
    CHECK(until("23:59", 86399) == 86341);
    for (const char* bad : {"", "7", "24:00", "07:60", "07:0", "7:00h", "-7:00", " 7:00", "07:00:00", "+7:00", "07:+5"})
      CHECK_THROWS_WITH(until(bad, 0), Contains(str("--until: expects a time of the day such as 07:00, got \"", bad, "\"")));
  }
  const TimeZone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK(until("07:00", 1774738800) == 6 * 3600);  // from midnight of 2026-03-29: there is no hour from 2 to 3
  CHECK(until("07:00", 1774738800 - 86400) == 7 * 3600);
}

TEST_CASE("a time in whole seconds is read back as it was", "[pace]") {
  for (const int64_t seconds : {int64_t{1}, int64_t{59}, int64_t{60}, int64_t{3600}, int64_t{3661}, int64_t{86399}, int64_t{90000}})
    CHECK(parse_duration(exact_duration(seconds), "x") == static_cast<double>(seconds));
  CHECK(exact_duration(26712) == "7h25m12s");
}
