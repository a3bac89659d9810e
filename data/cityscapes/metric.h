// Cityscapes' figures (data/cityscapes/evaluation.h) as a Metric, beside COCO's.
//
// The true objects are the dataset's instance ids (Dataset::instance_ids): those of Cityscapes' folders, or of drawn scenes.
// Detections count under the label of Cityscapes that has their class's name; those of other classes do not count.
//   figures  "cityscapes": to_json(CityscapesFigures), and COCO's       score  mask AP as Cityscapes or as COCO has it
//
// Figures by distance are only those of cityscapes-eval.
//
// errors: a dataset that knows no instance ids, or without a class that Cityscapes evaluates.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "data/cityscapes/evaluation.h"
#include "data/eval/coco_metric.h"

namespace mr {

class CityscapesMetric : public Metric {
 public:
  // `scores`: the score is Cityscapes' AP; else COCO's.
  CityscapesMetric(std::shared_ptr<const Dataset> dataset, const CocoMetricOptions& coco, bool scores);

  std::vector<std::string> notes() const override { return coco_.notes(); }
  void begin() override;
  void add(int64_t index, const std::vector<Detection>& found) override;
  std::unique_ptr<Judgement> finish() override;  // a CocoJudgement

 private:
  std::shared_ptr<const Dataset> dataset_;
  CocoMetric coco_;
  bool scores_;
  std::vector<int> labels_;  // of the dataset's label l: Cityscapes' is labels_[l − 1]; −1: none
  std::optional<CityscapesEvaluation> evaluation_;
};

}  // namespace mr
