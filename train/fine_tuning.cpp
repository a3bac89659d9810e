#include "train/fine_tuning.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/text.h"
#include "models/weights/load_report.h"
#include "train/classes.h"
#include "train/pretrained.h"

namespace mr {
namespace {

constexpr int64_t imagenet_labels = 1000;

// The keys of a group in which two recipes differ, after those that are told in any case.
std::vector<std::string> changed_keys(std::vector<std::string> keys, const Recipe& before, const Recipe& after, const std::string& group) {
  for (const Difference& d : differences(visit_of(before), visit_of(after)))
    if (d.key.starts_with(group) && std::ranges::find(keys, d.key) == keys.end()) keys.push_back(d.key);
  return keys;
}

}  // namespace

FineTuning::FineTuning(const std::string& path, RenameTexts renames) : file_(open_weights(path)), renames_(std::move(renames)) {
  architecture_ = recognise_architecture(file_, parse_renames(renames_), {});
  check(architecture_.odd.empty(), "--init: ", path, ": is of ", architecture_.odd, ", which no recipe can build");
  check(architecture_.backbone, "--init: ", path,
        ": holds no ResNet that a recipe can build: expected names such as conv1.weight or "
        "backbone.body.conv1.weight, got ",
        file_.tensors.empty() ? "no tensor" : printable(file_.tensors[0].name),
        "; mrcnn weights show lists them, --rename FROM=TO puts other prefixes right");
}

std::string FineTuning::name() const { return printable(std::filesystem::path(file_.path).filename().string()); }

int64_t FineTuning::depth() const { return resnet_of(architecture_.model, "recipe new").depth; }

std::string FineTuning::base() const {
  const std::string fitting = shipped_recipe_for(file_, renames_, ModelConfig());
  if (!fitting.empty()) return fitting;
  return depth() < 50 ? "nuclei_small" : "coco_r50_fpn_torchvision";
}

Choice FineTuning::decide_network(Recipe& r, bool masks) const {
  const Recipe before = r;
  r = recipe_for_weights(file_, renames_, r);
  r.model.classes = 0;  // as many as the data has
  RCNNConfig& m = rcnn_of(r.model, "recipe new");
  const bool without = detector() && std::holds_alternative<NoMaskConfig>(m.mask);
  if (without) m.mask = rcnn_of(before.model, "recipe new").mask;
  set_masks(m, masks);
  std::string why = str("The network of ", name(), ": ", detector() ? "a detector on " : "a trunk, ", "ResNet-", depth());
  if (detector()) {
    const auto* pyramid = std::get_if<ResNetFPNConfig>(&m.backbone);
    append(why, pyramid != nullptr ? str(", with a pyramid of ", pyramid->fpn.channels, " channels") : std::string(", without a pyramid"));
    append(why, str(" and heads for ", counted(architecture_.classes, "class")));
  }
  append(why, without && masks ? "; its masks' head is new." : ". Another network would not take its weights.");
  std::vector<std::string> keys = changed_keys({"model.backbone.depth"}, before, r, "model.");
  std::erase(keys, "model.classes");
  return {keys, why};
}

Choice FineTuning::decide_norms(Recipe& r) const {
  ResNetConfig& b = resnet_of(r.model, "recipe new");
  const bool own = file_.metadata.contains("recipe");
  std::string why;
  if (own && detector()) {
    why = "Norms, and stages that are not trained, as the weights' own recipe has them.";
  } else if (b.norm == NormKind::group) {
    b.freeze = 0;
    why = "Group norms, which are trained on.";
  } else {
    const bool other = architecture_.labels > 0 && architecture_.labels != imagenet_labels;
    b.freeze = other ? 0 : 2;
    why = "Norms keep the weights' statistics: those of a few images a step are too uncertain. ";
    append(why, other ? str("A classifier of ", counted(architecture_.labels, "class"), ", not ImageNet's: all stages are trained.")
                      : "The stem and res2 are not trained: what ImageNet taught them serves any picture.");
    // torchvision trained its released detectors with an epsilon of 0, and its ResNets with 1e-5.
    const bool released = detector() && architecture_.naming == Naming::torchvision && architecture_.classes == 90;
    if (!own) b.norm_epsilon = released ? 0 : 1e-5;
    if (released) append(why, " An epsilon of 0 is that of torchvision's released detectors.");
  }
  return {{"model.backbone.norm", "model.backbone.norm_epsilon", "model.backbone.freeze"}, why};
}

Choice FineTuning::pixels() const {
  const bool stored = file_.metadata.contains("recipe");
  return {{"preprocess.mean", "preprocess.std", "preprocess.unit", "preprocess.bgr"},
          stored ? str("Pixels as the recipe in ", name(), " has them.")
                 : str("Pixels as weights with ", name_of(architecture_.naming), "'s names expect them.")};
}

// A rate is stated for as many images a step as it was found with, and scales with them.
Choice FineTuning::decide_rate(Recipe& r) const {
  constexpr int64_t warmup_images = 320;
  const Recipe before = r;
  const std::optional<Recipe> stored = detector() ? stored_recipe(file_) : std::nullopt;  // a classifier's rate is no detector's
  double trained = 0.02;                                                                  // the paper's, detectron2's and torchvision's
  r.schedule.for_batch = 16;
  if (r.optimiser.kind != OptimiserKind::sgd) r.optimiser = OptimiserConfig();  // the rates told here are SGD's
  if (stored) {
    r.optimiser = stored->optimiser;
    trained = stored->optimiser.lr;
    r.schedule.for_batch = stored->schedule.for_batch > 0 ? stored->schedule.for_batch : images_per_step(*stored);
  }
  r.optimiser.lr = detector() ? trained / 2 : trained;
  r.schedule.kind = ScheduleKind::cosine;
  r.schedule.warmup = std::max<int64_t>(warmup_images / r.schedule.for_batch, 10);
  r.schedule.warmup_factor = 0.1;
  if (r.optimiser.clip_norm == 0) r.optimiser.clip_norm = 10;
  std::string why = detector() ? str("Half the rate that these weights were trained with (", rounded(trained), " for ",
                                     counted(r.schedule.for_batch, "image"), " a step)")
                               : str("The rate at which detectors are trained from such a trunk (", rounded(trained), " for ",
                                     counted(r.schedule.for_batch, "image"), " a step)");
  append(why, str(", scaled to this run's images a step, after a warm-up of ", r.schedule.warmup * r.schedule.for_batch,
                  " images, down to 0 at the end."));
  return {changed_keys(
              {"optimiser.lr", "optimiser.clip_norm", "schedule.kind", "schedule.warmup", "schedule.warmup_factor", "schedule.for_batch"},
              before, r, "optimiser."),
          why};
}

Choice FineTuning::decide_rows(Recipe& r, const std::vector<std::string>& classes) const {
  r.train.init = std::filesystem::absolute(file_.path).lexically_normal().string();
  r.train.rename = renames_;
  std::vector<std::string> keys = {"train.init"};
  if (!renames_.empty()) keys.emplace_back("train.rename");
  const std::vector<std::string> theirs = classes_of_weights(file_, renames_);
  std::vector<std::string> known;
  for (const std::string& name : classes)
    if (!name.empty() && std::ranges::find(theirs, name) != theirs.end()) known.push_back(name);
  Recipe whole = r;  // with the classes that the data has
  whole.model.classes = static_cast<int64_t>(classes.size());
  const LoadReport report = fit_weights(file_, whole, renames_);
  const std::string fault = architecture_fault(file_, report, whole, renames_);
  check(fault.empty(), "--init: ", fault);
  const size_t rows = report.mismatched.size(), all = report.loaded.size() + report.missing.size() + rows;
  std::string why = str(report.loaded.size(), " of the model's ", all, " tensors load as they are");
  if (rows > 0) append(why, str(", ", rows, " have rows for other classes"));
  if (!report.missing.empty()) append(why, str(", ", report.missing.size(), " are not in the file"));
  if (theirs != classes && !known.empty()) {
    r.train.match_classes = true;
    keys.emplace_back("train.match_classes");
    append(why, str(". Rows of classes are copied by name: ", some_names(known)));
  } else if (rows > 0) {
    r.train.skip_mismatch = true;
    keys.emplace_back("train.skip_mismatch");
    append(why, ". Rows of classes start from random values");
  }
  return {keys, str(why, ". On another machine: --init FILE.")};
}

std::vector<Choice> FineTuning::decide(Recipe& r, const std::vector<std::string>& classes, bool masks) const {
  std::vector<Choice> choices;
  choices.push_back(decide_network(r, masks));
  choices.push_back(decide_norms(r));
  choices.push_back(pixels());
  choices.push_back(decide_rate(r));
  choices.push_back(decide_rows(r, classes));
  return choices;
}

}  // namespace mr
