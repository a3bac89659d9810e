// COCO's figures of a detector on a dataset.
//
// Objects keep the classes of the dataset; the detector's are matched to them (match_classes; the detections of a class that the dataset
// lacks are left out, a class that the detector lacks scores 0). Objects are what Dataset::truth tells, so that the figures are those
// that coco-eval finds for the same detections. An image that is skipped (data.corrupt_images) does not count, nor do its objects.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "data/eval/coco_eval.h"
#include "data/eval/confusions.h"
#include "train/detector.h"
#include "train/loop.h"

namespace mr {

// As COCO result files hold them; labels stay as they are.
std::vector<CocoDetection> coco_detections(const std::vector<Detection>& found, int64_t image_id, bool masks);

struct EvaluationOptions {
  bool boxes = true, masks = true;                 // whose figures are asked for
  double score = 0.5;                              // of detections that can be confused; the figures are of all
  std::function<void(int64_t, int64_t)> progress;  // hears of each image (done, of)
};

struct Evaluation {
  bool has_boxes = true, has_masks = false;
  CocoFigures bbox, segm;
  Confusions confusions;                  // of masks, or of boxes without them
  int64_t images = 0;                     // that count
  std::vector<std::string> skipped;       // that could not be decoded, and do not count: what was wrong with each
  std::vector<CocoDetection> detections;  // all of them, with labels of the dataset
};

class Evaluator {
 public:
  // Errors: an empty dataset; none of the dataset's classes is one of the detector's; a class name that is ambiguous.
  Evaluator(std::shared_ptr<const Dataset> dataset, const Detector& detector);

  // What to warn of: the objects themselves, taken as detections, do not score 1.
  std::optional<std::string> self_check() const;
  // That, what the dataset has to say, and classes without a counterpart.
  std::vector<std::string> notes() const;

  // Throws Interrupted when a signal came.
  Evaluation run(const Detector& detector, const EvaluationOptions& options = {}) const;
  // Seconds that run() would take, from a few images of different sizes.
  double estimate_seconds(const Detector& detector) const;

 private:
  void detect_image(const Detector& detector, const Sample& sample, std::vector<CocoDetection>& out) const;
  void judge(Evaluation& e, const CocoGroundTruth& truth, const Detector& detector, const EvaluationOptions& options) const;
  CocoGroundTruth truth_without(const std::vector<int64_t>& skipped) const;  // samples

  std::shared_ptr<const Dataset> dataset_;
  CocoGroundTruth truth_;
  Classes classes_;          // the detector's
  std::vector<int> labels_;  // of the detector's label l: the dataset's is labels_[l − 1], 0: none
};

// {"bbox": {"AP": …}, "segm": {…}, "images": 100, "skipped": 0, "confusions": {…}}; the last of it only where it is asked for.
std::string to_json(const Evaluation& e, bool confusions = true);
// The score that the best weights are chosen by: mask AP, or box AP without masks.
EvaluationOutcome outcome_of(const Evaluation& e);

}  // namespace mr
