// Every problem of a COCO annotation file: what stops its reading (errors) and what a trainer does without (warnings; both are listed in
// data/coco/coco_file.h), boxes that are something else (data/coco/box_kind.h), those of any data set (data/dataset_tools/lint.h), image
// files that are missing or of another size, file names used twice, no image or category at all, no object to learn from (errors), and an
// evaluator's self-check: the ground truth, taken as detections, must score 1.
#pragma once

#include <string>

#include "data/dataset_tools/lint.h"

namespace mr {

struct CocoLintOptions {
  std::string images;   // the image folder; empty: image files are not looked at
  bool decode = false;  // decode them wholly, rather than read their headers
  bool masks = true;    // false: a file of boxes alone
};

// What cannot be read at all (no such file, not JSON) is the report's only problem. Beside the file itself a
// mask a thread is held, and those that the self-check compares.
LintReport lint_coco(const std::string& annotations, const CocoLintOptions& options = {}, LintSink sink = {});

}  // namespace mr
