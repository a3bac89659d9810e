// How often a classifier is right, as a Metric.
//
//   top-1 = share of the images whose most likely class is theirs          top-5: whose class is among the five most likely
//
// The class of an image is that of its first object (an image without one does not count). Of what was found in it the
// labels count, best score first. The score is top-1; a class without an image has none.
//   figures  "top1", "top5", "per_class": {name: {"top1": …, "top5": …, "images": n}}
// Errors: no image that counts.
#pragma once

#include "data/dataset.h"
#include "data/eval/metric.h"

namespace mr {

class AccuracyMetric : public Metric {
 public:
  explicit AccuracyMetric(std::shared_ptr<const Dataset> dataset);

  void begin() override;
  void add(int64_t index, const std::vector<Detection>& found) override;
  std::unique_ptr<Judgement> finish() override;

 private:
  struct Counts {
    int64_t images = 0, first = 0, among_five = 0;
  };
  std::shared_ptr<const Dataset> dataset_;
  std::vector<Counts> counts_;  // of labels 1 … K
};

}  // namespace mr
