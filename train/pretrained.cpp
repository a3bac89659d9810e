#include "train/pretrained.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "models/systems/make.h"
#include "models/weights/load_report.h"

namespace mr {
namespace {

// A detector's, or of a classifier, ResNet or VGG-16.
bool is_of_trunk(const std::string& name) {
  const auto begins = [&name](std::string_view with) { return name.starts_with(with); };
  return begins("backbone.body.") || begins("conv1.") || begins("bn1.") || begins("layer") || begins("features.");
}

size_t count_trunk(const std::vector<std::string>& names) { return static_cast<size_t>(std::ranges::count_if(names, is_of_trunk)); }

std::string what_would_load(const LoadReport& r) {
  const size_t of = r.loaded.size() + r.missing.size() + r.mismatched.size();
  return str(r.loaded.size(), " of ", of, " tensors would load, ", count_trunk(r.loaded), " of them the trunk's");
}

// Which settings and which recipe the weights fit.
std::string way_out(const WeightFile& file, const Recipe& recipe, const RenameTexts& renames) {
  std::string way;
  for (const Difference& d : other_shapes(file, renames, recipe))
    append(way, str(way.empty() ? "; for the file it is " : ", ", d.key, " = ", d.after, " (here ", d.before, ")"));
  if (const std::string shipped = shipped_recipe_for(file, renames, recipe.model); !shipped.empty())
    append(way, str("; the recipe ", shipped, " fits"));
  if (traits_of(recipe.model).classifies) return way;
  return str(way, "; mrcnn recipe new --init ", shell_word(file.path), " --annotations FILE makes one for your data");
}

WeightFile weights_of(const std::string& init) {
  try {
    return open_weights(init);
  } catch (const FileError& e) {
    if (e.code != ENOENT) throw;
    fail("train.init: ", e.what(), "; --init FILE names the weights where they are now");
  }
}

// As many classes as the file has rows for, of a detector's heads or a classifier's last layer; one
// where it has none.
int64_t classes_in(const WeightFile& file, const Recipe& recipe, const RenameTexts& renames) {
  const Architecture a = recognise_architecture(file, parse_renames(renames), RCNNConfig());
  return std::max<int64_t>(traits_of(recipe.model).classifies ? a.labels : a.classes, 1);
}

// The classes that a training would have: of the annotations (or folders), or where they are not there
// of the recipe, or of the file.
Classes classes_for(const WeightFile& file, const Recipe& recipe, std::string& words) {
  const DataConfig& d = recipe.data;
  const bool folders = d.kind == DataKind::folders;
  const std::string needed = folders ? image_folder(recipe, Split::train) : training_annotations(recipe);
  if (needed.empty() || is_there(needed)) return classes_of(recipe, *open_dataset(recipe, Split::train));
  words = str(object_key(recipe), ": ", needed, " is not there: ");
  if (!d.classes.empty() && !d.category_ids.empty()) {
    words += "the classes are those that the recipe lists";
    return classes_of(recipe);
  }
  const int64_t rows = classes_in(file, recipe, recipe.train.rename);
  append(words, str("the classes are taken to be as many as the file's, ", rows));
  Classes classes;
  for (int64_t k = 1; k <= rows; ++k) classes.names.emplace_back(), classes.ids.push_back(k);
  return classes;
}

// Which row of the file each class of the model takes, by name; what to tell the user of it.
std::string match_rows(const Detector& d, const WeightFile& file, LoadOptions& options) {
  check(!d.system->traits().classifies, "train.match_classes: is for detectors; a classifier's rows start anew with --skip-mismatch");
  const std::string where = str("train.match_classes: ", file.path, ": ");
  const std::vector<std::string> names = classes_of_weights(file, d.recipe.train.rename);
  check(
      !names.empty(), where,
      "expected rows of classes with names, got none: a file of ours names its classes, and COCO's are known by torchvision's 91 rows and "
      "detectron2's 81");
  std::vector<std::string> found, absent;
  options.class_rows = {0};  // background
  for (const std::string& name : d.classes.names) {
    const auto at = name.empty() ? names.end() : std::ranges::find(names, name);
    options.class_rows.push_back(at == names.end() ? -1 : at - names.begin() + 1);
    if (!name.empty()) (at == names.end() ? absent : found).push_back(name);
  }
  check(!found.empty(), where, "knows none of the model's classes ", some_names(absent), "; its own are ", some_names(names));
  return str("rows of classes copied by name: ", some_names(found),
             absent.empty() ? std::string() : "; with their initial values: " + some_names(absent));
}

}  // namespace

LoadOptions load_options(const Traits& traits, const RenameTexts& renames) {
  LoadOptions options;
  options.renames = parse_renames(renames);
  options.norm_epsilon = traits.norm_epsilon;
  return options;
}

std::string init_weights(Detector& d) {
  const TrainConfig& t = d.recipe.train;
  LoadOptions options = load_options(d.system->traits(), t.rename);
  options.allow_missing = true;  // a plain ResNet has no heads
  options.skip_mismatch = t.skip_mismatch || t.match_classes;
  options.force = t.force;
  options.advice =
      "; --skip-mismatch (train.skip_mismatch) keeps the initial values of rows of classes, --match-classes copies those by name";
  const WeightFile file = weights_of(t.init);
  const std::string by_name = t.match_classes ? match_rows(d, file, options) : std::string();
  Parameters& parameters = d.system->parameters();
  if (!t.force) {
    const std::string fault = architecture_fault(file, match_weights(parameters, file, options), d.recipe, t.rename);
    check(fault.empty(), "train.init: ", fault, "; --force (train.force) loads what fits");
  }
  const LoadReport report = load_weights(parameters, file, options);
  std::string text = str(t.init, ": ", summary(report));
  if (!by_name.empty()) append(text, "\n" + by_name);
  if (const std::string unlike = unlike_settings(file, report.naming, d.recipe); !unlike.empty()) append(text, "\n" + unlike);
  return text;
}

LoadReport fit_weights(const WeightFile& file, const Recipe& recipe, const RenameTexts& renames) {
  ModelConfig model = recipe.model;
  if (model.classes == 0) model.classes = static_cast<int64_t>(recipe.data.classes.size());
  if (model.classes == 0) model.classes = classes_in(file, recipe, renames);
  const std::unique_ptr<System> system = make_system(model, std::nullopt);
  return match_weights(system->parameters(), file, load_options(system->traits(), renames));
}

TriedWeights try_weights(const std::string& path, Recipe recipe) {
  recipe.train.init = path;
  const WeightFile file = weights_of(path);
  TriedWeights tried;
  Detector detector = make_detector(recipe, classes_for(file, recipe, tried.words));
  tried.report = match_weights(detector.system->parameters(), file, load_options(detector.system->traits(), recipe.train.rename));
  tried.unlike = unlike_settings(file, tried.report.naming, recipe);
  try {
    init_weights(detector);
  } catch (const Error& e) {
    tried.refusal = e.what();
  }
  return tried;
}

std::string architecture_fault(const WeightFile& file, const LoadReport& r, const Recipe& recipe, const RenameTexts& renames) {
  if (r.loaded.empty() && r.mismatched.empty()) return {};  // load_weights tells what is in such a file
  const std::string what = str(file.path, ": another architecture than the recipe's model: ", what_would_load(r));
  const RCNNConfig* rcnn = std::get_if<RCNNConfig>(&recipe.model.system);  // says what a file cannot: ratios of anchors
  const Architecture a = recognise_architecture(file, parse_renames(renames), rcnn != nullptr ? *rcnn : RCNNConfig());
  if (!a.odd.empty()) return str(what, "; the file is of ", a.odd, ", which no recipe can build");
  const bool other = a.backbone && !other_shapes(file, renames, recipe).empty();
  if (other) return what + way_out(file, recipe, renames);
  const auto shape = std::ranges::find_if(r.mismatched, [](const Mismatch& m) { return !is_class_row(m.name); });
  if (shape != r.mismatched.end())
    return str(what, "; ", shape->name, " is ", shape_text(shape->file), " in the file and ", shape_text(shape->model), " in the model");
  const size_t absent = count_trunk(r.missing);
  return absent == 0 ? std::string() : str(what, "; the file lacks ", counted(absent, "tensor"), " of it");
}

std::string unlike_settings(const WeightFile& file, Naming naming, const Recipe& recipe) {
  const std::vector<Difference> unlike = unlike_pixels(file, naming, recipe);
  if (unlike.empty()) return {};
  std::string are, here;
  for (const Difference& x : unlike) {
    append(are, str(are.empty() ? "" : ", ", x.key, " = ", x.after, " (here ", x.before, ")"));
    append(here, str(" --set '", x.key, "=", x.after, "'"));
  }
  const std::string whose = file.metadata.contains("recipe") ? "these weights were trained with"
                                                             : str("weights with ", name_of(naming), "'s names usually come from");
  return str("WARNING: ", whose, " other settings than this recipe's: ", are, "; to take theirs:", here);
}

}  // namespace mr
