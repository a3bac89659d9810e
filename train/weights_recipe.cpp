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

void assign_usual(Recipe& recipe, Naming naming) {
  std::vector<Setting> usual;
  for (const auto& [key, value] : usual_settings(naming)) usual.push_back(parse_assignment(str(key, "=", value)));
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

Architecture architecture_of(const WeightFile& file, const RenameTexts& renames, const MaskRCNNConfig& base) {
  return recognise_architecture(file, parse_renames(renames), base);
}

bool is_group(const Recipe& r) { return r.model.backbone.norm == NormKind::group; }

bool decides_shapes(std::string_view key, const Recipe& a, const Recipe& b) {
  if (key == "model.backbone.norm") return is_group(a) != is_group(b);
  if (key == "model.rpn.anchor_ratios") return a.model.rpn.anchor_ratios.size() != b.model.rpn.anchor_ratios.size();
  if (key == "model.mask.convs" || key == "model.mask.width") return a.model.mask.enabled && b.model.mask.enabled;
  constexpr std::array<std::string_view, 5> always = {"model.backbone.depth", "model.backbone.width", "model.fpn.channels",
                                                      "model.box.size", "model.box.width"};
  return std::ranges::find(always, key) != always.end();
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
    r.model = stored->model;
    take_pixels(r.preprocess, stored->preprocess);
    r.evaluation.paste = stored->evaluation.paste;
    return r;
  }
  const Architecture alone = architecture_of(file, renames, MaskRCNNConfig());  // a detector's is not the base's in anything
  r.model = alone.detector ? alone.model : base.model;
  r.model.backbone = alone.model.backbone;
  assign_usual(r, alone.naming);
  return r;
}

std::vector<Difference> unlike_pixels(const WeightFile& file, Naming naming, const Recipe& recipe) {
  Recipe made = recipe;
  if (const std::optional<Recipe> stored = stored_recipe(file)) {
    take_pixels(made.preprocess, stored->preprocess);
    made.model.backbone.stride_in_1x1 = stored->model.backbone.stride_in_1x1;
    made.model.roi = stored->model.roi;
  } else {
    assign_usual(made, naming);
  }
  return differences(visit_of(recipe), visit_of(made));
}

std::vector<Difference> other_shapes(const WeightFile& file, const RenameTexts& renames, const Recipe& recipe) {
  const Recipe fitting = recipe_for_weights(file, renames, recipe);
  std::vector<Difference> all = differences(visit_of(recipe), visit_of(fitting));
  std::erase_if(all, [&](const Difference& d) { return !decides_shapes(d.key, recipe, fitting); });
  return all;
}

std::string shipped_recipe_for(const WeightFile& file, const RenameTexts& renames) {
  std::string best;
  size_t fewest = SIZE_MAX;
  for (const ShippedRecipe& shipped : shipped_recipes()) {
    const Recipe recipe = load_recipe(shipped.name);
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
  const int64_t rows = architecture_of(file, renames, MaskRCNNConfig()).classes;
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
