// Weights to start a training from: do they fit the recipe's model, and which of their values does it take?
//
//   another architecture      a trunk (backbone.body, or a classifier but for its last layers) that would load less than whole, or any
//                             tensor of another shape but for rows of classes: an error that says how much would load, which settings
//                             and which recipe fit; train.force (--force) loads what fits all the same
//   rows of classes           (models/weights/class_rows.h) of another number are an error; with train.skip_mismatch they keep their
//                             initial values; with train.match_classes those of a class that the file knows by name are copied
#pragma once

#include <string>
#include <vector>

#include "models/weights/load.h"
#include "train/detector.h"
#include "train/weights_recipe.h"

namespace mr {

// How a network loads weights: the renames, and the ε of its norms.
LoadOptions load_options(const Traits& traits, const RenameTexts& renames);

// The weights that the recipe names (train.init and the fields that go with it) into the model. Returns what to tell the user: what was
// loaded and what was not, and settings of the recipe that do not go with such weights.
// Errors: as above; train.match_classes with a file that names no classes, or none of the model's; whatever load_weights finds.
std::string init_weights(Detector& detector);

// What init_weights would load, by names and shapes alone. Classes that the recipe leaves to the data are taken to be as many as the file's.
LoadReport fit_weights(const WeightFile& file, const Recipe& recipe, const RenameTexts& renames);

// What a training by the recipe would make of the weights in `path`, classes and all: it is tried.
// The classes are the annotations' (or folders') where they can be opened, else those that the recipe lists, else
// as many as the file has.
struct TriedWeights {
  LoadReport report;
  std::string refusal;  // the error that the training would end with; empty: none
  std::string words;    // where the classes were taken from, where they are not the annotations'
  std::string unlike;   // unlike_settings
};
TriedWeights try_weights(const std::string& path, Recipe recipe);

// Why the recipe's model is another architecture than the file's, as one line for the user; empty where it is not, and where the file
// holds nothing of the model at all. `report`: of match_weights or fit_weights.
std::string architecture_fault(const WeightFile& file, const LoadReport& report, const Recipe& recipe, const RenameTexts& renames);

// Settings of the recipe that differ from those that the weights were made with: by the recipe in the file, or else by what weights with such
// names usually expect. One line for the user, with the --set options that change them; empty where none differs.
std::string unlike_settings(const WeightFile& file, Naming naming, const Recipe& recipe);

}  // namespace mr
