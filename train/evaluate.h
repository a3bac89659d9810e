// A detector evaluated on a dataset: what it finds in each image, judged by a metric
// (data/eval/metric.h).
//
// Objects keep the classes of the dataset; the detector's are matched to them (match_classes; the
// detections of a class that the dataset lacks are left out, a class that the detector lacks scores
// 0). An image that is skipped (data.corrupt_images) does not count, nor do its objects.
//
// A GPU is given evaluation.batch images at once, of one padded size, so that the figures are those
// of one image after the other (train/size_groups.h). The CPU takes them one by one: there one
// image keeps all cores busy, and four at once took 9 % more processor time than four alone
// (scenes_small).
#pragma once

#include <functional>
#include <memory>

#include "data/eval/metric.h"
#include "train/detector.h"
#include "train/loop.h"
#include "train/size_groups.h"

namespace mr {

// What a metric is asked for, where it can choose.
struct MetricOptions {
  bool boxes = true, masks = true;  // whose figures
  double score = 0.5;               // of detections from which classes count as confused and objects as missed
};
// The metric that the recipe names (evaluation.metric).
std::unique_ptr<Metric> make_metric(std::shared_ptr<const Dataset> dataset, const Detector& detector, const MetricOptions& options);

struct Evaluation {
  std::unique_ptr<Judgement> judgement;
  int64_t images = 0;                // that count
  std::vector<std::string> skipped;  // that could not be decoded, and do not count: what was wrong with each
};

// Images that are evaluated at once: evaluation.batch, or what it leaves to the device.
int64_t evaluation_batch(const Recipe& recipe, Device device);

class Evaluator {
 public:
  // Errors: an empty dataset; none of the dataset's classes is one of the detector's; a class name
  // that is ambiguous.
  Evaluator(const std::shared_ptr<const Dataset>& dataset, const Detector& detector, const MetricOptions& options = {});
  Evaluator(std::shared_ptr<const Dataset> dataset, const Detector& detector, std::unique_ptr<Metric> metric);

  // What to warn of: what the dataset and the metric have to say, and classes without a
  // counterpart.
  std::vector<std::string> notes() const;

  using Progress = std::function<void(int64_t done, int64_t of)>;  // hears of each image
  // Throws Interrupted when a signal came.
  Evaluation run(const Detector& detector, const Progress& progress = {});
  // Seconds that run() would take, from a few images of different sizes.
  double estimate_seconds(const Detector& detector);

 private:
  void judge(const Detector& detector, const std::vector<IndexedImage>& batch);

  std::shared_ptr<const Dataset> dataset_;
  std::unique_ptr<Metric> metric_;
  Classes classes_;          // the detector's
  std::vector<int> labels_;  // of the detector's label l: the dataset's is labels_[l − 1], 0: none
};

// {the metric's figures, "images": 100, "skipped": 0, its details}; the last only where they are
// asked for.
std::string to_json(const Evaluation& e, bool details = true);
EvaluationOutcome outcome_of(const Evaluation& e);

}  // namespace mr
