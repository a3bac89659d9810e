#include "app/evaluated.h"

#include <iostream>

#include "app/device_option.h"
#include "app/options.h"
#include "app/usage.h"

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
  Detector detector = load_detector(a.weights, a.recipe, a.assignments, 1, a.renames);
  if (!detector.notes.empty()) std::cerr << detector.notes << "\n";
  if (a.max_dets > 0) detector.recipe.evaluation.max_detections = a.max_dets;
  const Device device = device_of(a.device);
  detector.system->parameters().move_to(device);
  use_context_of(detector.recipe, device);  // what it falls back to is told where it is chosen: by train and bench
  return detector;
}

// A figure of COCO's; −1 is none.
Cell figure(double v) { return v < 0 ? Cell(no_value) : Cell(v); }

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
  const auto dataset = subset(dataset_of(a, detector.recipe, command), detector.recipe.evaluation.images);
  const DataConfig& data = detector.recipe.data;
  const bool own = a.annotations.empty();
  say(check_image_files(*dataset, own ? "data.val_images" : "--images", own ? image_folder(detector.recipe, Split::val) : a.images, data));
  const Evaluator evaluator(dataset, detector);
  say(evaluator.notes());
  Console console;
  EvaluationOptions options{a.type != "segm", a.type != "bbox", a.score, {}};
  if (!quiet && console.terminal())
    options.progress = [&console](int64_t done, int64_t of) { console.progress(str(done, " of ", of, " images")); };
  Evaluation e = evaluator.run(detector, options);
  if (options.progress) console.progress("");  // the line is free for what comes
  for (const std::string& why : e.skipped) std::cerr << "mrcnn: left out: " << why << "\n";
  return {std::move(detector), dataset, std::move(e)};
}

Table class_table(const Evaluation& e) {
  Table t{.title = "", .columns = {"class", "objects"}, .rows = {}, .decimals = 4};
  const CocoFigures& any = e.has_boxes ? e.bbox : e.segm;
  std::vector<const CocoFigures*> types;
  if (e.has_boxes) types.push_back(&e.bbox), t.columns.insert(t.columns.end(), {"box AP", "box AP50"});
  if (e.has_masks) types.push_back(&e.segm), t.columns.insert(t.columns.end(), {"mask AP", "mask AP50"});
  std::vector<Cell> all = {std::string("all"), int64_t{0}};
  for (const CocoFigures* f : types) all.insert(all.end(), {figure(f->AP), figure(f->AP50)});
  for (size_t k = 0; k < any.per_class.size(); ++k) {
    std::vector<Cell>& row = t.rows.emplace_back();
    row = {any.per_class[k].name, any.per_class[k].objects};
    for (const CocoFigures* f : types) row.insert(row.end(), {figure(f->per_class[k].AP), figure(f->per_class[k].AP50)});
    std::get<int64_t>(all[1]) += any.per_class[k].objects;
  }
  t.rows.push_back(std::move(all));
  return t;
}

Table confusion_table(const Confusions& c, size_t most) {
  const auto name = [&c](int label) { return label == 0 ? std::string("nothing") : c.class_names[static_cast<size_t>(label) - 1]; };
  Table t{str("what is there, and as what it was found with a score of ", c.options.score, " or more, at ",
              c.options.type == CocoType::segm ? "mask" : "box", " IoU ", c.options.iou, " or more"),
          {"times", "there", "found"},
          {}};
  for (const bool with_nothing : {false, true}) {
    size_t shown_pairs = 0;
    for (const Confusions::Pair& p : c.pairs)
      if ((p.truth == 0 || p.found == 0) == with_nothing && shown_pairs++ < most) t.rows.push_back({p.count, name(p.truth), name(p.found)});
  }
  return t;
}

}  // namespace mr::app
