// COCO's figures (coco_eval.h) and what was confused (confusions.h) as a Metric.
//
// Objects are what Dataset::truth tells, so that the figures are those that coco-eval finds for the
// same detections. The score is mask AP, or box AP where masks are not judged.
//   figures  "bbox", "segm": to_json(CocoFigures)       details  "confusions": to_json(Confusions)
#pragma once

#include "data/eval/coco_eval.h"
#include "data/eval/confusions.h"
#include "data/eval/metric.h"

namespace mr {

// As COCO result files hold them; labels stay as they are.
std::vector<CocoDetection> coco_detections(const std::vector<Detection>& found, int64_t image_id, bool masks);

struct CocoMetricOptions {
  bool boxes = true, masks = true;  // whose figures are asked for: one of them at least
  int64_t max_detections = 100;     // an image that count for AP
  double score = 0.5;               // of detections that can be confused; the figures are of all
};

struct CocoJudgement : Judgement {
  bool has_boxes = true, has_masks = false;
  CocoFigures bbox, segm;
  Confusions confusions;                  // of masks, or of boxes without them
  std::vector<CocoDetection> detections;  // all of them
};

class CocoMetric : public Metric {
 public:
  CocoMetric(std::shared_ptr<const Dataset> dataset, const CocoMetricOptions& options);

  // The objects themselves, taken as detections, do not score 1.
  std::vector<std::string> notes() const override;
  void begin() override;
  void add(int64_t index, const std::vector<Detection>& found) override;
  std::unique_ptr<Judgement> finish() override;

 private:
  CocoGroundTruth added_truth() const;

  std::shared_ptr<const Dataset> dataset_;
  CocoMetricOptions options_;
  CocoGroundTruth truth_;
  std::vector<int64_t> added_;  // ids of images
  std::vector<CocoDetection> detections_;
};

}  // namespace mr
