// From a recipe to a trained detector: datasets, model, loop and files put together. What `mrcnn train` does.
#pragma once

#include <string>

#include "train/detector.h"
#include "train/length.h"
#include "train/loop.h"

namespace mr {

struct TrainOptions {
  std::string folder;   // DIR
  bool resume = false;  // goes on with the run in it; one that ended before its first checkpoint starts from the beginning
  Device device = {};   // that the network runs on
  SystemMaker make_system = mr::make_system;  // of a program with a system of its own (models/systems/make.h)
  Words words = {};  // what was decided between the recipe's settings; told, but for a run that is resumed with the same ones
  // "07:00": the recipe's budget is what was left until then. A run that is resumed keeps the budget that it was planned under.
  std::string until = {};
};

// Fills DIR (train/run_folder.h). Errors: a DIR that another training has, or that `resume` does not fit; image files that are missing;
// whatever dataset, weights and loop find wrong.
Ended train(Recipe recipe, const TrainOptions& options, Console& console);

}  // namespace mr
