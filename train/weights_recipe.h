// What recipe a weights file is for: the model and the pixels that its values were trained with.
//
// Our own files hold their recipe. Of others, names and shapes tell the network (models/weights/architecture.h), and the naming the rest:
// weights with torchvision's, detectron2's or Detectron's names usually come from one preprocessing, one place of the stride, one RoIAlign.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/weights/architecture.h"
#include "train/recipe.h"

namespace mr {

// "FROM=TO", each a prefix of names in a weights file and what it becomes.
using RenameTexts = std::vector<std::string>;
std::vector<Rename> parse_renames(const RenameTexts& texts);

// The recipe that our own file was trained by; nullopt for another's.
std::optional<Recipe> stored_recipe(const WeightFile& file);

// `base` with the model and the pixels of the weights: of a detector the whole model; of a trunk, which
// a classifier is, the backbone alone where the base is of a detector. The number of classes is the
// file's; sizes of pictures, which the data decides, are the base's.
Recipe recipe_for_weights(const WeightFile& file, const RenameTexts& renames, const Recipe& base);

// The settings of `recipe` that differ from those that the weights were made with, but for the network itself.
std::vector<Difference> unlike_pixels(const WeightFile& file, Naming naming, const Recipe& recipe);

// The settings that decide names and shapes of tensors in which `recipe` is not for the weights. Not among them: the number of classes;
// masks that one of the two lacks; frozen or live statistics, which are the same tensors.
std::vector<Difference> other_shapes(const WeightFile& file, const RenameTexts& renames, const Recipe& recipe);

// The shipped recipe whose model is of the same kind as `like` and fits the weights, but for the
// classes: the one with the fewest other differences; empty where none does.
std::string shipped_recipe_for(const WeightFile& file, const RenameTexts& renames, const ModelConfig& like);

// The names of a file's classes, label by label (names[k − 1], empty for a gap): from its metadata; or COCO's, by the number of rows that
// torchvision's (91) and detectron2's (81) weights have. Empty where neither tells, and of a file without heads.
// Errors: metadata that name another number of classes than there are rows for.
std::vector<std::string> classes_of_weights(const WeightFile& file, const RenameTexts& renames);

}  // namespace mr
