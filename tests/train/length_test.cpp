#include "train/length.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tensor/context.h"
#include "tests/catch.h"
#include "tests/train/fake.h"
#include "train/plan.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

constexpr int64_t training_images = 100;

// What a run did, by its metrics.
struct Run {
  Recipe recipe;  // as it ended
  std::string words, console;
  std::vector<double> rates;
  std::vector<int64_t> evaluations;
  int64_t images = 0;
};

// Half a second a step, and four an evaluation, by a clock of its own.
Run run(Recipe recipe, const Words& words) {
  const TestFolder folder;
  FakeSystem system;
  Run r;
  double now = 0;
  Console console([&r](const std::string& line) { r.console += line + "\n"; });
  LoopJob job;
  job.system = &system;
  job.folder = folder.path();
  job.training_images = training_images;
  job.clock = [&now] { return now; };
  job.batches = [&](int64_t first) {
    return [&, k = first]() mutable {
      now += 0.5 / static_cast<double>(recipe.train.accumulate);
      r.images += recipe.train.batch;
      return fake_batch(k++, recipe.train.batch);
    };
  };
  job.evaluate = [&] {
    now += 4;
    return EvaluationOutcome{0, "", "{}"};
  };
  job.estimate_evaluation = [] { return 4.0; };
  job.save_weights = [](const std::string&) {};
  const ContextGuard guard;
  context().threads = 1;
  recipe.train.log_every = 1;
  Loop(recipe, job, console).run();
  std::ifstream in(folder / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    const auto j = nlohmann::json::parse(line);
    if (j.contains("lr"))
      r.rates.push_back(j["lr"].get<double>());
    else
      r.evaluations.push_back(j["iteration"].get<int64_t>());
  }
  for (const std::string& w : words) r.words += w + "\n";
  r.recipe = recipe;
  return r;
}

// Texts laid over one another from the bottom, the last ones as --set.
struct Case {
  std::vector<std::string> texts;
  std::vector<std::string> assignments;
  int64_t iterations = 0, warmup = 0;
  double peak = 0;
  std::vector<std::string> words;  // parts of what is said before the plan
};

Recipe recipe_of(const Case& c, const TestFolder& folder, Words& words) {
  std::string name;
  for (size_t i = 0; i < c.texts.size(); ++i) {
    const std::string text = (i > 0 ? "base = \"" + name + "\"\n" : "") + c.texts[i];
    name = folder / ("layer" + std::to_string(i) + ".toml");
    std::ofstream(name) << text;
  }
  Recipe r = load_recipe(name, c.assignments, &words);
  resolve(r, training_images, words);
  return r;
}

// The plan told is the plan run, and both are the ones expected.
void check_case(const Case& c) {
  const TestFolder folder;
  Words words;
  const Run r = run(recipe_of(c, folder, words), words);
  INFO("of " << c.texts.back() << "\n" << r.words << r.console);
  const RunPlan plan = plan_of(r.recipe, true);
  CHECK_THROWS_WITH(throw Error(r.console), Contains(to_text(plan, r.recipe, training_images)));
  CHECK(plan.iterations == c.iterations);
  CHECK(static_cast<int64_t>(r.rates.size()) == c.iterations);
  CHECK(r.images == c.iterations * plan.batch);
  CHECK(plan.warmup == c.warmup);
  CHECK(plan.peak == Approx(c.peak));
  REQUIRE_FALSE(r.rates.empty());
  CHECK(plan.first == r.rates.front());
  CHECK(plan.peak == *std::max_element(r.rates.begin(), r.rates.end()));
  CHECK(plan.last == r.rates.back());
  CHECK(plan.evaluations == r.evaluations);
  for (const std::string& part : c.words) CHECK_THROWS_WITH(throw Error(r.words), Contains(part));
  if (c.words.empty()) CHECK(r.words.empty());
}

// lr 0.1 and a tenth of warm-up, in one text.
std::string text(const std::string& train, const std::string& schedule = "") {
  return "[optimiser]\nlr = 0.1\n[schedule]\nkind = \"cosine\"\nwarmup = 10\n" + schedule + "[train]\n" + train +
         "[evaluation]\nat = [0.5]\n";
}
std::string over(const std::string& train) { return "[train]\n" + train; }

// Iterations of a budget of 60 s whose first `measured` iterations are done.
int64_t fitting(int64_t measured, double budget = 60) {
  const double saving = std::max(0.005 * budget, 0.2);
  return measured + static_cast<int64_t>((budget - 0.5 * static_cast<double>(measured) - saving - 2 * 1.15 * 4) / 0.5);
}

}  // namespace

TEST_CASE("one setting decides how long a run is, and the plan told is the plan run", "[length]") {
  SECTION("epochs") { check_case({{text("batch = 4\nepochs = 4\n")}, {}, 100, 10, 0.1, {}}); }
  SECTION("a budget over a base's epochs") {
    check_case(
        {{text("batch = 4\nepochs = 26\n"), over("budget = \"60s\"\n")},
         {},
         fitting(6),
         10,
         0.1,
         {"train.budget = 60s (", "layer1.toml:3) decides how long the run is; train.epochs = 26 (", "layer0.toml:", ") does not count"}});
  }
  SECTION("a budget set over epochs") {
    check_case({{text("batch = 4\nepochs = 26\n")},
                {"train.budget=60s"},
                fitting(6),
                10,
                0.1,
                {"train.budget = 60s (--set) decides how long the run is; train.epochs = 26 ("}});
  }
  SECTION("iterations set over a budget") {
    check_case({{text("batch = 4\nbudget = \"9m\"\n")},
                {"train.iterations=120"},
                120,
                10,
                0.1,
                {"train.iterations = 120 (--set) decides how long the run is; train.budget = 9m ("}});
  }
  SECTION("iterations stated for another batch, with their warm-up") {
    check_case({{text("batch = 2\niterations = 50\n", "for_batch = 16\n")},
                {},
                400,
                40,
                0.0125,
                {"learning rate 0.0125 for 2 images a step (stated: 0.1 for 16), 400 iterations (stated: 50)",
                 "schedule.warmup: 80 of 400 iterations is above a tenth of the run: shortened to 40"}});
  }
  SECTION("iterations set over a schedule stated for another batch are this run's") {
    check_case({{text("batch = 1\nepochs = 26\n", "for_batch = 16\n")},
                {"train.iterations=4"},
                4,
                0,
                0.1 / 16,
                {"learning rate 0.00625 for 1 image a step (stated: 0.1 for 16); train.iterations as set, in steps of 1",
                 "schedule.warmup: 160 of 4 iterations is above a tenth of the run: shortened to 0"}});
  }
  SECTION("the stated batch, reached by accumulation") {
    check_case({{text("batch = 2\naccumulate = 8\niterations = 100\n", "for_batch = 16\n")}, {}, 100, 10, 0.1, {}});
  }
  SECTION("epochs under a schedule stated for another batch") {
    check_case({{text("batch = 2\naccumulate = 2\nepochs = 8\n", "for_batch = 16\n")},
                {},
                200,
                20,
                0.025,
                {"learning rate 0.025 for 4 images a step (stated: 0.1 for 16)", "schedule.warmup: 40 of 200 iterations"}});
  }
  SECTION("iterations and epochs in one text") {
    check_case({{text("batch = 4\niterations = 120\nepochs = 1\n")},
                {},
                120,
                10,
                0.1,
                {"train.iterations = 120 (", "decides how long the run is; train.epochs = 1 ("}});
  }
  SECTION("of two that are set, the later") {
    check_case(
        {{text("batch = 4\n")}, {"train.epochs=1", "train.iterations=110"}, 110, 10, 0.1, {"train.iterations = 110 (--set) decides"}});
    check_case({{text("batch = 4\n")}, {"train.iterations=110", "train.epochs=4"}, 100, 10, 0.1, {"train.epochs = 4 (--set) decides"}});
  }
  SECTION("a budget under a schedule stated for another batch, and a warm-up that is set") {
    check_case(
        {{text("batch = 8\nbudget = \"60s\"\n", "for_batch = 16\n")}, {}, fitting(6), 10, 0.05, {"learning rate 0.05 for 8 images"}});
    check_case({{text("batch = 8\nbudget = \"60s\"\n", "for_batch = 16\n")},
                {"schedule.warmup=12"},
                fitting(6),
                10,
                0.05,
                {"schedule.warmup as set, in steps of 8"}});
  }
  SECTION("a budget that ends before the warm-up would") {
    check_case({{text("batch = 4\nbudget = \"60s\"\n") + "", over("")}, {"schedule.warmup=500"}, fitting(6), 10, 0.1, {}});
  }
  SECTION("a length set over what a run recorded") {
    const std::string record =
        "budget = \"9m\"\niterations = 300\nstop_at = 200\ncorrected_at = 40\ncorrected_from = 150\nrecorded = true\n";
    check_case({{text("batch = 4\n" + record)}, {"train.iterations=120"}, 120, 10, 0.1, {"train.budget = 9m ("}});
    check_case({{text("batch = 4\n" + record)}, {"train.budget=60s"}, fitting(6), 10, 0.1, {"train.iterations = 300 ("}});
    check_case({{text("batch = 4\n" + record)}, {}, 200, 10, 0.1, {}});
  }
}

TEST_CASE("a plan, as it is told", "[length]") {
  Recipe r;
  r.optimiser.lr = 0.02;
  r.schedule = {.kind = ScheduleKind::step, .warmup = 50, .warmup_factor = 0.1, .milestones = {0.5, 0.75}, .gamma = 0.1};
  r.train.batch = 4;
  r.train.iterations = 1000;
  r.evaluation.every = 100;
  CHECK(to_text(plan_of(r, true), r, 500) ==
        "plan: 1000 iterations of 4 images: 4000 images, 8 epochs of 500\n"
        "      learning rate 0.002, 0.02 after 50, 0.0002 at the end   ▃▆██████████████████▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁\n"
        "      evaluation after 100, 200, 300, …, 800, 900, 1000");
  r.train.iterations = 0;
  r.train.budget = "8h";
  CHECK(to_text(plan_of(r, false), r, 500) ==
        "plan: as many iterations of 4 images as fit into 8h; the first 50 are the warm-up, of a learning rate from 0.002 to 0.02");
}

TEST_CASE("what a budget ended is told, with what was planned", "[length]") {
  Recipe r;
  r.train.batch = 1;
  r.train.iterations = 72;
  r.train.budget = "9m";
  CHECK(iterations_done(r.train, 40) == "Reached iteration 40 of 72: in progress, or stopped.");
  CHECK(iterations_done(r.train, 72) == "Finished after 72 iterations.");
  r.train.stop_at = 65;
  CHECK(iterations_done(r.train, 40) == "Reached iteration 40 of 65: in progress, or stopped.");
  CHECK(iterations_done(r.train, 65) == "Finished after 65 of 72 iterations: the budget of 9m ended the run.");
  CHECK_THROWS_WITH(throw Error(to_text(plan_of(r, false), r, 0)),
                    Contains("plan: 65 iterations of 1 image: 65 images; planned were 72, and the budget of 9m ended the run\n"));
  r.train.iterations = 0;
  r.train.stop_at = 0;
  CHECK(iterations_done(r.train, 3) == "Reached iteration 3: in progress, or stopped.");
}

TEST_CASE("a shortened warm-up goes on from the rate that it had come to", "[schedule]") {
  ScheduleConfig c;
  c.kind = ScheduleKind::cosine;
  c.warmup = 30;
  c.warmup_factor = 0;
  c.shortened_at = 20;
  c.shortened_from = 100;
  const auto rate = [&c](int64_t iteration) { return learning_rate(c, 1, 200, iteration); };
  CHECK(rate(10) == Approx(0.1));
  CHECK(rate(20) == Approx(0.2));
  CHECK(rate(25) == Approx(0.6));
  CHECK(rate(30) == Approx(1));
}
