#include "train/weights_recipe.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/check.h"
#include "models/weights/detectron.h"
#include "train/classes.h"
#include "train/detector.h"

namespace mr {
namespace {

// What is called model.backbone.stride_in_1x1 of a detector is model.trunk.stride_in_1x1 of a classifier.
std::string key_of_trunk(const std::string& key) {
  constexpr std::string_view backbone = "model.backbone.";
  return key.starts_with(backbone) ? str("model.trunk.", key.substr(backbone.size())) : key;
}

// But for settings of parts that the recipe's model does not have.
void assign_usual(Recipe& recipe, Naming naming) {
  std::vector<Setting> usual;
  const std::vector<FlatField> fields = flatten(visit_of(recipe));
  const auto has = [&fields](const std::string& key) { return std::ranges::find(fields, key, &FlatField::key) != fields.end(); };
  for (const auto& [key, value] : usual_settings(naming)) {
    const std::string own = has(key) ? key : key_of_trunk(key);
    if (has(own)) usual.push_back(parse_assignment(str(own, "=", value)));
  }
  assign(visit_of(recipe), usual);
}

// What the weights expect of pixels; how large pictures are is the data's.
void take_pixels(Preprocess& to, const Preprocess& from) {
  to.mean = from.mean;
  to.std = from.std;
  to.unit = from.unit;
  to.bgr = from.bgr;
  to.size_divisor = from.size_divisor;
}

// Whether a setting changes what the network makes of a picture, and no shape of a tensor.
bool is_of_pixels(const std::string& key) {
  constexpr std::array<std::string_view, 10> keys = {"preprocess.mean",
                                                     "preprocess.std",
                                                     "preprocess.unit",
                                                     "preprocess.bgr",
                                                     "preprocess.size_divisor",
                                                     "model.backbone.stride_in_1x1",
                                                     "model.trunk.stride_in_1x1",
                                                     "model.backbone.output",
                                                     "model.box.bins",
                                                     "model.box.stride"};
  return key.starts_with("model.roi.") || std::ranges::find(keys, key) != keys.end();
}

Architecture architecture_of(const WeightFile& file, const RenameTexts& renames, const RCNNConfig& base = {}) {
  return recognise_architecture(file, parse_renames(renames), base);
}

bool decides_shapes(const Difference& d) {
  if (d.before.empty()) return false;  // of a part that one of them lacks
  const auto has_group_norm = [](const std::string& norm) { return norm == "\"group\""; };
  if (d.key == "model.backbone.norm" || d.key == "model.trunk.norm") return has_group_norm(d.before) != has_group_norm(d.after);
  if (d.key == "model.proposals.anchor_ratios") return std::ranges::count(d.before, ',') != std::ranges::count(d.after, ',');
  constexpr std::array<std::string_view, 18> always = {"model.kind",
                                                       "model.backbone.kind",
                                                       "model.backbone.depth",
                                                       "model.backbone.width",
                                                       "model.backbone.groups",
                                                       "model.backbone.group_width",
                                                       "model.backbone.fpn.channels",
                                                       "model.trunk.kind",
                                                       "model.trunk.depth",
                                                       "model.trunk.width",
                                                       "model.trunk.groups",
                                                       "model.trunk.group_width",
                                                       "model.proposals.kind",
                                                       "model.box.kind",
                                                       "model.box.size",
                                                       "model.box.width",
                                                       "model.mask.convs",
                                                       "model.mask.width"};
  return std::ranges::find(always, d.key) != always.end();
}

// The ResNet of a classifier that is to be the trunk of a detector; null: the weights are for a model
// of the recipe's own kind.
const ResNetConfig* trunk_for(const ModelConfig& recipe, const ModelConfig& weights) {
  const auto* classifier = std::get_if<ClassifierConfig>(&weights.system);
  const bool detector = std::holds_alternative<RCNNConfig>(recipe.system);
  return classifier != nullptr && detector ? std::get_if<ResNetConfig>(&classifier->trunk) : nullptr;
}

void take_stored(Recipe& r, const Recipe& stored) {
  const int64_t divisor = r.preprocess.size_divisor;
  take_pixels(r.preprocess, stored.preprocess);
  if (const ResNetConfig* trunk = trunk_for(r.model, stored.model)) {
    r.preprocess.size_divisor = divisor;  // the pyramid's, which the classifier is without
    ResNetConfig& body = resnet_of(r.model, "weights");
    body = *trunk;
    if (body.norm == NormKind::batch) body.norm = NormKind::frozen;  // at the statistics of its training
    return;
  }
  r.model = stored.model;
  r.evaluation.paste = stored.evaluation.paste;
}

}  // namespace

std::vector<Rename> parse_renames(const RenameTexts& texts) {
  std::vector<Rename> renames;
  for (const std::string& text : texts) renames.push_back(parse_rename(text));
  return renames;
}

std::optional<Recipe> stored_recipe(const WeightFile& file) {
  const auto at = file.metadata.find("recipe");
  if (at == file.metadata.end()) return std::nullopt;
  return recipe_from_toml(at->second, file.path + " (recipe)");
}

Recipe recipe_for_weights(const WeightFile& file, const RenameTexts& renames, const Recipe& base) {
  Recipe r = base;
  if (const std::optional<Recipe> stored = stored_recipe(file)) {
    take_stored(r, *stored);
    return r;
  }
  const Architecture alone = architecture_of(file, renames);  // a detector's is not the base's in anything
  const ResNetConfig& body = resnet_of(alone.model, "weights");
  if (alone.detector)
    r.model = {.classes = alone.classes, .system = alone.model};
  else if (auto* classifier = std::get_if<ClassifierConfig>(&r.model.system))
    classifier->trunk = body;
  else
    resnet_of(r.model, "weights") = body;
  assign_usual(r, alone.naming);
  return r;
}

std::vector<Difference> unlike_pixels(const WeightFile& file, Naming naming, const Recipe& recipe) {
  Recipe made = recipe;
  if (const std::optional<Recipe> stored = stored_recipe(file)) {
    take_stored(made, *stored);
    std::vector<Difference> all = differences(visit_of(recipe), visit_of(made));
    std::erase_if(all, [](const Difference& d) { return d.before.empty() || !is_of_pixels(d.key); });
    return all;
  }
  assign_usual(made, naming);
  return differences(visit_of(recipe), visit_of(made));
}

std::vector<Difference> other_shapes(const WeightFile& file, const RenameTexts& renames, const Recipe& recipe) {
  const Recipe fitting = recipe_for_weights(file, renames, recipe);
  std::vector<Difference> all = differences(visit_of(recipe), visit_of(fitting));
  std::erase_if(all, [](const Difference& d) { return !decides_shapes(d); });
  return all;
}

std::string shipped_recipe_for(const WeightFile& file, const RenameTexts& renames, const ModelConfig& like) {
  std::string best;
  size_t fewest = SIZE_MAX;
  for (const ShippedRecipe& shipped : shipped_recipes()) {
    const Recipe recipe = load_recipe(shipped.name);
    if (recipe.data.kind == DataKind::cityscapes) continue;  // for that data alone
    if (recipe.model.system.index() != like.system.index()) continue;
    if (!other_shapes(file, renames, recipe).empty()) continue;
    Recipe fitting = recipe_for_weights(file, renames, recipe);
    fitting.model.classes = recipe.model.classes;
    const size_t n = differences(visit_of(recipe), visit_of(fitting)).size();
    if (n < fewest) best = shipped.name;
    fewest = std::min(n, fewest);
  }
  return best;
}

std::vector<std::string> classes_of_weights(const WeightFile& file, const RenameTexts& renames) {
  const int64_t rows = architecture_of(file, renames).classes;
  if (rows == 0) return {};
  const std::vector<std::string> own = stored_classes(file).names;
  check(own.empty() || static_cast<int64_t>(own.size()) == rows, file.path, ": metadata classes: expected ", rows,
        " names, as many as the heads have rows for, got ", own.size());
  if (!own.empty()) return own;
  for (const char* name : {"coco_r50_fpn_torchvision", "coco_r50_fpn_paper"})
    if (const Classes coco = classes_of(load_recipe(name)); coco.size() == rows) return coco.names;
  return {};
}

}  // namespace mr
