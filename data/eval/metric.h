// How good what a detector finds in a dataset is.
//
//   metric.begin();
//   for (…) metric.add(index, found);                 image `index` of the dataset, and what was found in it
//   std::unique_ptr<Judgement> j = metric.finish();   an image that was not added does not count, nor do its objects
//
// A metric is made for a dataset and may be used many times: a training evaluates with the same one
// until it ends. Labels of what was found are the dataset's (train/evaluate.h matches the classes
// of a detector to them).
//
// To add a metric, three places know it:
//   data/eval/<name>_metric.h, .cpp   a class derived from Metric, as CocoMetric is, which reads the true objects from the
//                                     dataset: by Dataset::truth, or by what a dataset of its own offers
//   train/recipe.h                    its name among the values of evaluation.metric
//   train/evaluate.cpp                its case in make_metric
// Training, `eval` and `report` then show its score, summary, tables and JSON. What only one metric
// can show (COCO's precision curves and worst pictures) stands in its own struct derived from
// Judgement, for which `report` asks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/table.h"
#include "data/detection.h"

namespace mr {

// What a metric says of a detector.
struct Judgement {
  virtual ~Judgement() = default;

  double score = 0;           // the higher, the better: the best weights are chosen by it
  std::string summary;        // one line for a person
  std::vector<Table> tables;  // all of it for a person

  // For programs: key → a value in JSON.
  std::vector<std::pair<std::string, std::string>> figures;  // also a line of metrics.jsonl
  std::vector<std::pair<std::string, std::string>> details;  // too long for one
};

class Metric {
 public:
  virtual ~Metric() = default;

  // What to warn of before anything is evaluated: of the true objects, and how they fit this
  // metric.
  virtual std::vector<std::string> notes() const { return {}; }

  virtual void begin() = 0;  // forgets what was added
  // In any order, each image once.
  virtual void add(int64_t index, const std::vector<Detection>& found) = 0;
  // Once after begin() and add(). Errors: what the figures are of is not there, or not as it must
  // be (the metric's header).
  virtual std::unique_ptr<Judgement> finish() = 0;
};

}  // namespace mr
