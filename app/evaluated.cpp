#include "app/evaluated.h"

#include <iostream>

#include "app/device_option.h"
#include "app/options.h"
#include "app/usage.h"
#include "train/proposals.h"

namespace mr::app {
namespace {

std::shared_ptr<const Dataset> dataset_of(const EvaluationArguments& a, const Recipe& recipe, const std::string& command) {
  if (!a.annotations.empty()) return open_coco(recipe, a.annotations, a.images, true);
  check(has_split(recipe, Split::val), command, ": the recipe has no val split; give --annotations and --images");
  return open_dataset(recipe, Split::val);
}

void say(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) std::cerr << "mrcnn: " << note << "\n";
}

Detector detector_of(const EvaluationArguments& a) {
  Detector detector = load_detector(a.weights, {.recipe = a.recipe, .assignments = a.assignments, .renames = a.renames});
  if (!detector.notes.empty()) std::cerr << detector.notes << "\n";
  if (a.max_dets > 0) detector.recipe.evaluation.max_detections = a.max_dets;
  const Device device = device_of(a.device);
  detector.system->parameters().move_to(device);
  use_context_of(detector.recipe, device);  // what it falls back to is told where it is chosen: by train and bench
  return detector;
}

}  // namespace

void add_evaluation_options(CLI::App& c, EvaluationArguments& a) {
  c.add_option("--annotations", a.annotations, "COCO ground truth; without it, the val split of the recipe");
  c.add_option("--images", a.images, "folder of its images");
  c.add_option("--recipe", a.recipe, "instead of the one stored with the weights: a shipped name or a TOML file");
  add_set(c, a.assignments);
  add_rename(c, a.renames, "WEIGHTS");
  c.add_option("--max-dets", a.max_dets, "detections an image that count for AP (default: the recipe's, 100)")
      ->check(CLI::Range(1, 1'000'000));
  c.add_option("--score", a.score, "of detections from which classes count as confused and objects as missed")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  add_device(c, a.device);
}

Evaluated evaluate(const EvaluationArguments& a, const std::string& command, bool quiet) {
  check_usage(a.annotations.empty() == a.images.empty(), command, ": --annotations and --images belong together");
  Detector detector = detector_of(a);
  check(a.type != "segm" || detector.system->traits().masks, command, ": --type segm, but the model has no mask head");
  const GivenDataset given = with_given(detector.recipe, detector.system->traits(), Split::val,
                                        subset(dataset_of(a, detector.recipe, command), detector.recipe.evaluation.images));
  const std::shared_ptr<const Dataset>& dataset = given.dataset;
  if (!given.about.empty()) say({given.about});
  const DataConfig& data = detector.recipe.data;
  const bool own = a.annotations.empty();
  say(check_image_files(*dataset, own ? image_key(detector.recipe, Split::val) : "--images",
                        own ? image_folder(detector.recipe, Split::val) : a.images, data));
  Evaluator evaluator(dataset, detector, {a.type != "segm", a.type != "bbox", a.score});
  say(evaluator.notes());
  Console console;
  Evaluator::Progress progress;
  if (!quiet && console.terminal()) progress = [&console](int64_t done, int64_t of) { console.progress(str(done, " of ", of, " images")); };
  Evaluation e = evaluator.run(detector, progress);
  if (progress) console.progress("");  // the line is free for what comes
  for (const std::string& why : e.skipped) std::cerr << "mrcnn: left out: " << why << "\n";
  return {std::move(detector), dataset, std::move(e)};
}

}  // namespace mr::app
