// The parts of `mrcnn report`'s page, each one function, so that another page may take some of them.
#pragma once

#include <string>
#include <vector>

#include "app/evaluated.h"
#include "app/page/html.h"
#include "data/eval/coco_metric.h"
#include "train/metrics_line.h"
#include "train/recipe.h"

namespace mr::app {

// ---- history.cpp: what a run has written ----
// A curve of every scalar of metrics.jsonl over the iterations, the loss first; those that never
// change are told in a line. What belongs together shares a drawing: the figures of an evaluation,
// memory.
void add_history(HtmlPage& page, const std::vector<MetricsLine>& lines);

// ---- results.cpp: an evaluation ----
// The metric's tables.
void add_results(HtmlPage& page, const Evaluation& e);
// Of COCO's metric: precision over recall at IoU .50, .75 and the mean over .50:.95, all classes together, then class by class.
void add_precision(HtmlPage& page, const CocoJudgement& j);
// Of COCO's metric: the pictures of lowest F (data/eval/confusions.h), the objects on the left, on the right what was found with
// that score or more.
void add_worst_pictures(HtmlPage& page, const CocoJudgement& j, const Dataset& dataset, size_t most);

// ---- about.cpp: what was run, and where ----
// The length and the rates that a run was planned with, and the whole recipe.
void add_recipe(HtmlPage& page, const Recipe& recipe, bool evaluates);
// What the page is of, and the program and the machine that made it.
void add_environment(HtmlPage& page, const std::string& what, Device device);

}  // namespace mr::app
