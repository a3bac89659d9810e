#include "data/cityscapes/metric.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/check.h"
#include "data/cityscapes/labels.h"
#include "data/dataset.h"

namespace mr {

CityscapesMetric::CityscapesMetric(std::shared_ptr<const Dataset> dataset, const CocoMetricOptions& coco, bool scores)
    : dataset_(std::move(dataset)), coco_(dataset_, coco), scores_(scores) {
  check(dataset_->size() > 0 && !dataset_->instance_ids(0).empty(),
        "Cityscapes' metric: expected Cityscapes' folders or drawn scenes, got data without instance ids; evaluation.metric = \"coco\" "
        "judges any");
  for (const std::string& name : dataset_->class_names()) {
    const int label = cityscapes_label_id(name);
    labels_.push_back(cityscapes_class(label) < 0 ? -1 : label);
  }
  check(std::ranges::any_of(labels_, [](int l) { return l >= 0; }),
        "Cityscapes' metric: the data have none of the classes that it evaluates");
}

void CityscapesMetric::begin() {
  coco_.begin();
  evaluation_.emplace(static_cast<size_t>(dataset_->size()));
}

void CityscapesMetric::add(int64_t index, const std::vector<Detection>& found) {
  coco_.add(index, found);
  const ImageInfo info = dataset_->info(index);
  std::vector<CityscapesPrediction> predictions;
  for (const Detection& d : found)
    if (const int label = labels_.at(static_cast<size_t>(d.label) - 1); label >= 0) predictions.push_back({label, d.score, d.mask});
  evaluation_->image(static_cast<size_t>(index), {info.height, info.width, dataset_->instance_ids(index), {}}, predictions);
}

std::unique_ptr<Judgement> CityscapesMetric::finish() {
  std::unique_ptr<Judgement> j = coco_.finish();
  const CityscapesFigures f = evaluation_->figures();
  evaluation_.reset();
  j->figures.emplace_back("cityscapes", to_json(f));
  j->tables.insert(j->tables.begin(), table_of(f));
  char text[64];
  std::snprintf(text, sizeof text, "Cityscapes AP %.3f (AP50 %.3f), ", f.all.AP, f.all.AP50);
  j->summary.insert(0, text);
  if (scores_) j->score = std::isnan(f.all.AP) ? -1 : f.all.AP;
  return j;
}

}  // namespace mr
