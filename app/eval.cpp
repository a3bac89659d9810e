#include <iostream>

#include "app/commands.h"
#include "app/device_option.h"
#include "app/options.h"
#include "train/evaluate.h"
#include "train/interrupt.h"

namespace mr::app {
namespace {

struct Arguments {
  std::string weights, annotations, images, recipe, device, type = "all";
  std::vector<std::string> assignments, renames;
  int64_t max_dets = 0;
  bool json = false;
};

std::shared_ptr<const Dataset> dataset_of(const Arguments& a, const Recipe& recipe) {
  if (!a.annotations.empty()) return open_coco(recipe, a.annotations, a.images, true);
  check(has_split(recipe, Split::val), "eval: the recipe has no val split; give --annotations and --images");
  return open_dataset(recipe, Split::val);
}

void say(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) std::cerr << "mrcnn: " << note << "\n";
}

void eval(const Arguments& a) {
  check_usage(a.annotations.empty() == a.images.empty(), "eval: --annotations and --images belong together");
  Detector detector = load_detector(a.weights, a.recipe, a.assignments, 1, a.renames);
  if (!detector.notes.empty()) std::cerr << detector.notes << "\n";
  if (a.max_dets > 0) detector.recipe.evaluation.max_detections = a.max_dets;
  const Device device = device_of(a.device);
  detector.system->parameters().move_to(device);
  use_context_of(detector.recipe, device);  // what it falls back to is told where it is chosen: by train and bench
  const bool boxes = a.type != "segm", masks = a.type != "bbox";
  check(a.type != "segm" || detector.recipe.model.mask.enabled, "eval: --type segm, but the model has no mask head");

  const auto dataset = subset(dataset_of(a, detector.recipe), detector.recipe.evaluation.images);
  const DataConfig& data = detector.recipe.data;
  const bool own = a.annotations.empty();
  say(check_image_files(*dataset, own ? "data.val_images" : "--images", own ? image_folder(detector.recipe, Split::val) : a.images, data));
  const Evaluator evaluator(dataset, detector);
  say(evaluator.notes());
  Console console;
  const Evaluation e = evaluator.run(detector, boxes, masks, [&](int64_t done, int64_t of) {
    if (!a.json && console.terminal()) console.progress(str(done, " of ", of, " images"));
  });
  for (const std::string& why : e.skipped) std::cerr << "mrcnn: left out: " << why << "\n";
  if (a.json) {
    std::cout << to_json(e) << "\n";
    return;
  }
  console.say(str(e.images, " images", e.skipped.empty() ? "" : str("; ", e.skipped.size(), " could not be read, and do not count")));
  if (e.has_boxes) console.say("boxes\n" + to_text(e.bbox));
  if (e.has_masks) console.say("masks\n" + to_text(e.segm));
}

}  // namespace

void add_eval(CLI::App& program) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("eval", "COCO's figures of trained weights");
  c->add_option("WEIGHTS", a->weights, ".safetensors from mrcnn train; or torch's .pth, detectron2's .pkl with --recipe")->required();
  c->add_option("--annotations", a->annotations, "COCO ground truth; without it, the val split of the recipe");
  c->add_option("--images", a->images, "folder of its images");
  c->add_option("--recipe", a->recipe, "instead of the one stored with the weights: a shipped name or a TOML file");
  add_set(*c, a->assignments);
  add_rename(*c, a->renames, "WEIGHTS");
  c->add_option("--type", a->type, "bbox, segm or all")->check(CLI::IsMember({"bbox", "segm", "all"}))->capture_default_str();
  c->add_option("--max-dets", a->max_dets, "detections an image that count for AP (default: the recipe's, 100)")
      ->check(CLI::Range(1, 1'000'000));
  add_device(*c, a->device);
  c->add_flag("--json", a->json, "{\"bbox\": {\"AP\": ..., \"per_class\": {...}}, \"segm\": {...}, \"images\": N, \"skipped\": N}");
  c->callback([a] {
    catch_interrupts();
    eval(*a);
  });
}

}  // namespace mr::app
