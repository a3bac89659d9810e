#include "train/train.h"

#include <algorithm>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "train/batches.h"
#include "train/classes.h"
#include "train/detector.h"
#include "train/evaluate.h"
#include "train/length.h"
#include "train/picture_scale.h"
#include "train/plan.h"
#include "train/pretrained.h"
#include "train/proposals.h"
#include "train/run_folder.h"

namespace mr {
namespace {

// What the run in the folder has written of itself; nothing: it has not come so far.
std::optional<Recipe> recorded_in(const std::string& folder) {
  const std::string path = folder + "/recipe.toml";
  return is_there(path) ? std::optional(load_recipe(path)) : std::nullopt;
}

// Numbers that the first run found by measuring.
void take_recorded(Recipe& recipe, const Recipe& recorded) {
  if (recipe.train.iterations == 0 && recipe.train.epochs == 0) {
    recipe.train.iterations = recorded.train.iterations;
    recipe.train.stop_at = recorded.train.stop_at;
    recipe.train.corrected_at = recorded.train.corrected_at;
    recipe.train.corrected_from = recorded.train.corrected_from;
    if (recorded.schedule.shortened_at > 0) {
      recipe.schedule.warmup = recorded.schedule.warmup;
      recipe.schedule.shortened_at = recorded.schedule.shortened_at;
      recipe.schedule.shortened_from = recorded.schedule.shortened_from;
    }
  }
  if (recipe.evaluation.every == 0) recipe.evaluation.every = recorded.evaluation.every;
}

// A run that was planned until a time of the day goes on under the budget that this was when it began.
void keep_plan(Recipe& recipe, const Recipe& recorded, const TrainOptions& options, Console& console) {
  const std::string& budget = recorded.train.budget;
  check(!budget.empty(), "--until: the run in ", options.folder, " was planned without a budget; leave --until out to go on with it");
  recipe.train.budget = budget;
  console.say(str("--until ", options.until, ": the run keeps the budget of ", budget, " that it was planned under"));
}

bool is_set_alike(const Recipe& a, const Recipe& b) {
  const Recipe one = without_record(a), other = without_record(b);
  return differences(visit_of(one), visit_of(other)).empty();
}

// Stages that are not trained, and norms that are not, want the values of pretrained weights.
std::string random_but_frozen(const Recipe& recipe) {
  const std::vector<FlatField> fields = flatten(visit_of(recipe));
  const auto value_of = [&fields](const std::string& key) {
    const auto at = std::ranges::find(fields, key, &FlatField::key);
    return at == fields.end() ? std::string() : at->value;  // another kind of network has no such setting
  };
  std::string what, instead;
  for (const std::string group : {"model.backbone.", "model.trunk."}) {
    const std::string freeze = group + "freeze", norm = group + "norm";
    if (const std::string stages = value_of(freeze); !stages.empty() && stages != "0") {
      append(what, str("; ", freeze, " = ", stages, " keeps its first stages random"));
      append(instead, str(" --set ", freeze, "=0"));
    }
    if (value_of(norm) == "\"frozen\"") {
      append(what, str("; ", norm, " = frozen leaves it without norms"));
      append(instead, str(" --set ", norm, "=group"));
    }
  }
  if (what.empty()) return {};
  return str("train.init: names no weights, so the network starts from random ones", what,
             ": --init FILE starts from pretrained weights; without them", instead);
}

void describe(const Detector& d, const Dataset& train_set, Console& console) {
  int64_t weights = 0, trained = 0;
  for (const Parameter& p : d.system->parameters().all()) {
    weights += p.var.value().numel();
    if (p.trainable) trained += p.var.value().numel();
  }
  console.say(str(d.recipe.name, ": ", counted(d.classes.size(), "class"), ", ", counted(train_set.size(), "training image"), ", ",
                  rounded(static_cast<double>(weights) / 1e6), " million weights (", rounded(static_cast<double>(trained) / 1e6),
                  " trained)"));
}

// The batches, and what goes wrong with the cache meanwhile: told by the thread that trains, which owns the console.
std::function<DeviceBatch()> telling_of(std::shared_ptr<PictureCache> cache, std::function<DeviceBatch()> next,
                                        std::function<void(const std::string&)> warn) {
  if (cache == nullptr) return next;
  return [cache = std::move(cache), next = std::move(next), warn = std::move(warn)] {
    DeviceBatch batch = next();
    if (const auto fault = cache->fault()) warn(str("data.cache: ", *fault, "; nothing more is put into it, and the run goes on without"));
    return batch;
  };
}

// Somebody may have taken the best ones away since the run was finished.
std::string weights_in(const std::string& folder) {
  const std::string best = folder + "/best.safetensors", last = folder + "/last.safetensors";
  if (is_there(best)) return best;
  return str(best, " is gone", is_there(last) ? str("; the last weights are in ", last) : std::string());
}

}  // namespace

Ended train(Recipe recipe, const TrainOptions& options, Console& console) {
  const auto warn = [&console](const std::string& text) { console.say("WARNING: " + text); };
  const RunFolder folder(options.folder, options.resume, warn);
  if (const auto fallback = use_context_of(recipe, options.device)) warn(*fallback);
  const Traits traits = traits_of(recipe.model, options.make_system);
  const bool masks = traits.masks;
  std::shared_ptr<const Dataset> train_set = open_dataset(recipe, Split::train, masks);
  const auto warn_all = [&warn](const std::vector<std::string>& notes) {
    for (const std::string& note : notes) warn(note);
  };
  warn_all(train_set->notes());
  const Classes classes = classes_of(recipe, *train_set);
  train_set = relabelled(train_set, classes);
  warn_all(check_objects(*train_set, object_key(recipe)));
  check(train_set->size() > 0, "data: the training set is empty");
  warn_all(check_image_files(*train_set, image_key(recipe, Split::train), image_folder(recipe, Split::train), recipe.data));
  if (const std::string apart = scale_fault(recipe, *train_set); !apart.empty()) warn(apart);
  const auto given_to = [&](Split split, std::shared_ptr<const Dataset> dataset) {
    GivenDataset given = with_given(recipe, traits, split, std::move(dataset));
    if (!given.about.empty()) console.say(given.about);
    return given.dataset;
  };
  train_set = given_to(Split::train, train_set);
  const std::shared_ptr<PictureCache> cache = open_cache(recipe);
  const std::shared_ptr<const HeldPictures> pictures = held(recipe, train_set, cache);
  Words words = options.words;
  resolve(recipe, train_set->size(), words);
  const std::optional<Recipe> recorded = options.resume ? recorded_in(options.folder) : std::nullopt;
  if (recorded && !options.until.empty() && (recorded->train.iterations > 0 || has_checkpoint(options.folder)))
    keep_plan(recipe, *recorded, options, console);
  if (recorded) take_recorded(recipe, *recorded);

  Detector detector = make_detector(recipe, classes, options.make_system);
  recipe.model.classes = detector.recipe.model.classes;
  if (!recorded || !is_set_alike(recipe, *recorded))
    for (const std::string& word : words) console.say(word);
  detector.system->parameters().move_to(options.device);
  recipe.losses.check_terms(detector.system->traits().losses);
  describe(detector, *train_set, console);
  if (cache) console.say(pictures->about_cache());

  const BatchNeeds needs = needs_of(*detector.system);
  LoopJob job;
  job.system = detector.system.get();
  job.folder = options.folder;
  job.training_images = train_set->size();
  job.batches = [&](int64_t first) { return telling_of(cache, training_batches(recipe, pictures, first, warn, needs), warn); };
  job.fullest = [&] { return fullest_batch(recipe, *pictures, needs); };
  job.save_weights = [&](const std::string& path) {
    detector.recipe = recipe;  // with what the loop has recorded by now
    save_detector(detector, path);
  };
  std::optional<Evaluator> evaluator;
  if (has_split(recipe, Split::val)) {
    const std::shared_ptr<const Dataset> val_set = subset(open_dataset(recipe, Split::val, masks), recipe.evaluation.images);
    warn_all(check_image_files(*val_set, image_key(recipe, Split::val), image_folder(recipe, Split::val), recipe.data));
    evaluator.emplace(given_to(Split::val, val_set), detector);
    warn_all(evaluator->notes());
    job.evaluate = [&] { return outcome_of(evaluator->run(detector)); };
    job.estimate_evaluation = [&] { return evaluator->estimate_seconds(detector); };
  }
  Loop loop(recipe, job, console);
  if (!options.resume || !loop.resume()) {
    if (options.resume) console.say(options.folder + ": holds no checkpoint yet: starting from the beginning");
    if (!recipe.train.init.empty())
      console.say(init_weights(detector));
    else if (const std::string odd = random_but_frozen(recipe); !odd.empty())
      warn(odd);
  }
  const Ended ended = loop.run();
  if (ended == Ended::finished) {
    const TrainState& s = loop.state();
    console.say(str(iterations_done(recipe.train, s.iteration), " It took ", show_duration(s.seconds), ".",
                    s.best_iteration > 0 ? str(" Best: ", rounded(s.best), " after iteration ", s.best_iteration, ".") : std::string(), " ",
                    weights_in(options.folder)));
  }
  return ended;
}

}  // namespace mr
