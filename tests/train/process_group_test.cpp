// Two members of a process group with half of each batch each train as one process does with the whole.
#include "tensor/process_group.h"

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "models/systems/make.h"
#include "tests/catch.h"
#include "tests/process_threads.h"
#include "tests/train/loop_runs.h"
#include "train/batches.h"
#include "train/datasets.h"

using namespace mr;
using namespace mr::test;
using Catch::Matchers::Contains;

namespace {

using Strings = std::vector<std::string>;

// ---- a step of a real model ----

Recipe tiny() {
  return load_recipe(
      "scenes_small",
      {"model.backbone.depth=18", "model.backbone.width=8", "model.backbone.norm=batch", "model.backbone.freeze=0", "model.fpn.channels=8",
       "model.rpn.pre_nms_train=40", "model.rpn.post_nms_train=20", "model.rpn.batch=32", "model.box.width=16", "model.box.batch=16",
       "model.mask.width=8", "model.mask.convs=1", "data.scenes.height=64", "data.scenes.width=96", "data.scenes.images=8",
       "data.workers=0", "train.batch=4", "augment.crop_size=0", "augment.min_sides=[]"});
}

struct Stepped {
  std::vector<int64_t> images;
  std::vector<std::pair<std::string, double>> losses;
  std::vector<float> gradients, statistics;
};

// One step on batch 1: what Loop does of it, without the optimiser.
Stepped step() {
  const Recipe recipe = tiny();
  const auto data = open_dataset(recipe, Split::train);
  ModelConfig config = recipe.model;
  config.classes = 8;
  const std::unique_ptr<System> model = make_system(config, 5);
  model->parameters().zero_gradients();
  const DeviceBatch batch = training_batches(
      recipe, data, 1, [](const std::string&) {}, needs_of(*model))();
  const Losses losses = model->losses(batch);
  backward(total_loss(losses));
  process_group().sum(model->parameters().gradients());
  Stepped s;
  s.images = batch.image_ids;
  for (const NamedLoss& l : losses) s.losses.emplace_back(l.name, sum_of(process_group(), l.value.value().at(0)));
  const auto values = [](const Tensor& t) { return std::vector<float>(t.values<float>().begin(), t.values<float>().end()); };
  s.gradients = values(model->parameters().gradients());
  for (const Parameter& p : model->parameters().all())
    if (!p.trainable && p.kind == ParameterKind::norm)
      for (const float v : p.var.value().values<float>()) s.statistics.push_back(v);
  return s;
}

double norm(const std::vector<float>& a, const std::vector<float>& b = {}) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = double{a[i]} - (b.empty() ? 0 : b[i]);
    sum += d * d;
  }
  return std::sqrt(sum);
}

// ---- runs of the loop ----

// What differs between members.
struct Member {
  double seconds = 0.5;         // that a batch takes by its clock
  int64_t stops_at_batch = -1;  // a signal comes
  int64_t fails_at_batch = -1;
  bool evaluation_is_interrupted = false;
};

struct MemberRun {
  std::vector<float> weights;
  TrainState state;
  Recipe recipe;
  Ended ended = Ended::finished;
  int64_t evaluations = 0;
};

DeviceBatch part_of(const DeviceBatch& whole) {
  const ProcessGroup& group = process_group();
  const int64_t each = whole.images.size(0) / group.size(), begin = group.rank() * each;
  DeviceBatch part = whole;
  part.images = whole.images.slice(begin, begin + each);
  return part;
}

MemberRun run_member(const std::string& folder, Recipe recipe, const Member& member, bool resume = false) {
  FakeSystem system;
  MemberRun out;
  Console console([](const std::string&) {});
  LoopJob job;
  job.system = &system;
  job.folder = folder;
  double now = 0;
  bool stops = false;
  job.clock = [&now] { return now; };
  job.stop = [&stops] { return stops; };
  job.batches = [&](int64_t first) {
    return [&, k = first]() mutable {
      if (k == member.fails_at_batch) fail("a.jpg: cut short");
      stops |= k == member.stops_at_batch;
      now += member.seconds;
      return part_of(fake_batch(k++, recipe.train.batch));
    };
  };
  job.fullest = [&] { return part_of(fake_batch(-1, recipe.train.batch)); };
  job.evaluate = [&] {
    ++out.evaluations;
    now += 4;
    if (member.evaluation_is_interrupted) {
      stops = true;
      throw Interrupted{};
    }
    return EvaluationOutcome{system.parameters().weights().at(0), "AP 0.5", "{\"AP\": 0.5}"};
  };
  job.estimate_evaluation = [&] { return 3 + member.seconds; };
  job.save_weights = [&](const std::string& path) { std::ofstream(path) << system.parameters().weights().at(0); };
  Loop loop(recipe, job, console);
  if (resume) loop.resume();
  out.ended = loop.run();
  out.weights = all_values(system.parameters());
  out.state = loop.state();
  out.recipe = recipe;
  return out;
}

struct Pair {
  MemberRun outcome[2];
  Strings errors;
};
Pair run_two(const std::string& folder, const Recipe& recipe, const Member& first, const Member& second, bool resume = false) {
  Pair p;
  p.errors = run_members(2, [&](ProcessGroup& group) {
    const int r = group.rank();
    p.outcome[r] = run_member(folder, recipe, r == 0 ? first : second, resume);
  });
  return p;
}

Strings checkpoints_in(const std::string& folder) {
  Strings names;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/checkpoints")) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

// Of two members that took the same steps: equal to the bit.
void check_together(const Pair& p) {
  REQUIRE(p.errors == Strings(2));
  CHECK(p.outcome[0].weights == p.outcome[1].weights);
  CHECK(p.outcome[0].state.iteration == p.outcome[1].state.iteration);
  CHECK(p.outcome[0].ended == p.outcome[1].ended);
  CHECK(to_toml(p.outcome[0].recipe) == to_toml(p.outcome[1].recipe));
}

}  // namespace

TEST_CASE("two members with half the batch each have the losses, gradients and live statistics of the whole", "[process_group]") {
  const ContextGuard guard;
  context().threads = 1;
  const Stepped whole = step();
  std::vector<Stepped> parts(2);
  REQUIRE(run_members(2, [&](ProcessGroup& group) { parts[static_cast<size_t>(group.rank())] = step(); }) == Strings(2));
  std::vector<int64_t> images = parts[0].images;
  images.insert(images.end(), parts[1].images.begin(), parts[1].images.end());
  REQUIRE(images == whole.images);
  REQUIRE(whole.losses.size() == 5);
  for (const Stepped& part : parts) {
    for (size_t i = 0; i < whole.losses.size(); ++i) {
      INFO(whole.losses[i].first);
      CHECK(whole.losses[i].second > 0);
      CHECK(part.losses[i].second == Approx(whole.losses[i].second).epsilon(1e-5));
    }
    CHECK(norm(part.gradients, whole.gradients) < 1e-4 * norm(whole.gradients));
    CHECK(norm(part.statistics, whole.statistics) < 1e-6 * norm(whole.statistics));
  }
  CHECK(parts[0].gradients == parts[1].gradients);
  CHECK(parts[0].statistics == parts[1].statistics);
}

TEST_CASE("a run of two members takes the steps of one process, and one of them writes its files", "[process_group]") {
  const TestFolder alone, together;
  const MemberRun one = run_member(alone.path(), fake_recipe(40), {});
  const Pair two = run_two(together.path(), fake_recipe(40), {}, {});
  check_together(two);
  REQUIRE(one.weights.size() == two.outcome[0].weights.size());
  for (size_t i = 0; i < one.weights.size(); ++i) CHECK(two.outcome[0].weights[i] == Approx(one.weights[i]).epsilon(1e-4));
  CHECK(two.outcome[0].state.images == one.state.images);
  CHECK(two.outcome[0].state.best_iteration == one.state.best_iteration);
  CHECK(two.outcome[1].state.best == two.outcome[0].state.best);
  CHECK(two.outcome[0].evaluations == 2);
  CHECK(two.outcome[1].evaluations == 0);
  const auto loss = [](const std::string& folder) {  // as the last line of progress tells it
    const std::string text = read_text_file(folder + "/metrics.jsonl");
    return std::stod(text.substr(text.rfind("\"fit\":") + 6));
  };
  CHECK(loss(together.path()) == Approx(loss(alone.path())).epsilon(1e-3));
  CHECK(checkpoints_in(together.path()) == checkpoints_in(alone.path()));
  const auto lines = [](const std::string& folder) { return std::ranges::count(read_text_file(folder + "/metrics.jsonl"), '\n'); };
  CHECK(lines(together.path()) == lines(alone.path()));
}

TEST_CASE("a signal that comes to one member stops all after the same step, and they go on to the same bits", "[process_group]") {
  const TestFolder whole, parts;
  const Pair unbroken = run_two(whole.path(), fake_recipe(40), {}, {});
  const Pair stopped = run_two(parts.path(), fake_recipe(40), {}, {.stops_at_batch = 21});
  check_together(stopped);
  CHECK(stopped.outcome[0].ended == Ended::interrupted);
  CHECK(stopped.outcome[0].state.iteration == 11);
  CHECK(checkpoints_in(parts.path()).back() == "iteration_00000011.checkpoint");
  const Pair resumed = run_two(parts.path(), fake_recipe(40), {}, {}, true);
  check_together(resumed);
  CHECK(resumed.outcome[0].weights == unbroken.outcome[0].weights);

  const TestFolder other;
  const Pair evaluating = run_two(other.path(), fake_recipe(40), {.evaluation_is_interrupted = true}, {});
  check_together(evaluating);
  CHECK(evaluating.outcome[1].ended == Ended::interrupted);
  CHECK(evaluating.outcome[1].state.iteration == 20);
  CHECK(evaluating.outcome[1].state.evaluated == 0);
}

TEST_CASE("the first member's clock decides when to save and how long a budget's run is", "[process_group]") {
  Recipe timed = fake_recipe(40);
  timed.checkpoint.every = 0;
  timed.checkpoint.every_minutes = 5.5 / 60;
  timed.checkpoint.keep = 100;
  const TestFolder folder, alone;
  run_member(alone.path(), timed, {});
  check_together(run_two(folder.path(), timed, {}, {.seconds = 100}));
  CHECK(checkpoints_in(folder.path()) == checkpoints_in(alone.path()));
  CHECK(checkpoints_in(folder.path()).size() > 3);

  Recipe budget = fake_recipe(0);
  budget.train.budget = "100s";
  const TestFolder one, two;
  const MemberRun expected = run_member(one.path(), budget, {});
  const Pair members = run_two(two.path(), budget, {}, {.seconds = 0.01});
  check_together(members);
  CHECK(members.outcome[0].state.iteration > 40);
  CHECK(members.outcome[1].recipe.train.iterations == expected.recipe.train.iterations);
  CHECK(members.outcome[1].state.iteration == expected.state.iteration);
}

TEST_CASE("where one member fails all end, and what was reached is saved", "[process_group]") {
  for (const int64_t failing : {0, 1}) {
    const TestFolder folder;
    const Member sound, ill{.fails_at_batch = 20};
    const Pair p = run_two(folder.path(), fake_recipe(40), failing == 0 ? ill : sound, failing == 0 ? sound : ill);
    CHECK_THAT(p.errors[static_cast<size_t>(failing)], Contains("a.jpg: cut short; saved as after iteration 10"));
    CHECK_THAT(p.errors[static_cast<size_t>(1 - failing)], Contains("a member has left"));
    CHECK(checkpoints_in(folder.path()).back() == "iteration_00000010.checkpoint");
  }
}
