// Weights evaluated on pictures with known objects: what `eval` and `report` have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "train/evaluate.h"

namespace mr::app {

struct EvaluationArguments {
  std::string weights, annotations, images, recipe, device, type = "all";
  std::vector<std::string> assignments, renames;
  int64_t max_dets = 0;
  double score = 0.5;
};
// All but the weights and `type`.
void add_evaluation_options(CLI::App& command, EvaluationArguments& a);

struct Evaluated {
  Detector detector;
  std::shared_ptr<const Dataset> dataset;  // the pictures, and their objects under the annotations' classes
  Evaluation evaluation;
};
// Notes go to standard error, progress to a terminal unless `quiet`. Errors: no pictures to evaluate on (told with the command's name);
// whatever detector and dataset find wrong.
Evaluated evaluate(const EvaluationArguments& a, const std::string& command, bool quiet);

}  // namespace mr::app
