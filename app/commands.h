// The subcommands of mrcnn, one file each. Each `add_…` describes its arguments to the parser; the work starts from their callbacks.
// Exit status: 0; 1 where the work failed; 2 for a mistake on the command line; 128 + the signal that ended it.
#pragma once

#include <CLI/CLI.hpp>

#include "app/usage.h"

namespace mr::app {

void add_train(CLI::App& program);
void add_eval(CLI::App& program);
void add_predict(CLI::App& program);
void add_report(CLI::App& program);
void add_coco_eval(CLI::App& program);
void add_cityscapes_eval(CLI::App& program);
void add_weights(CLI::App& program);
void add_dataset(CLI::App& program);
void add_dataset_convert(CLI::App& dataset);
void add_proposals(CLI::App& program);
void add_recipe(CLI::App& program);
void add_bench(CLI::App& program);
void add_explain(CLI::App& program);

// Ends the program with this status, everything being said already.
struct Exit {
  int status = 0;
};

}  // namespace mr::app
