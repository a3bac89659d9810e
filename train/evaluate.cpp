#include "train/evaluate.h"

#include <algorithm>

#include "base/json_text.h"
#include "data/cityscapes/metric.h"
#include "data/eval/accuracy_metric.h"
#include "data/eval/coco_metric.h"
#include "data/image/image.h"
#include "data/loader/loader.h"
#include "train/interrupt.h"

namespace mr {
namespace {

// Cityscapes' data are judged by both metrics, whichever chooses the weights; other annotations than the recipe's may be given.
bool is_cityscapes(const Recipe& recipe, const Dataset& dataset) {
  return recipe.data.kind == DataKind::cityscapes && dataset.size() > 0 && !dataset.instance_ids(0).empty();
}

}  // namespace

std::unique_ptr<Metric> make_metric(std::shared_ptr<const Dataset> dataset, const Detector& detector, const MetricOptions& options) {
  const EvaluationConfig& config = detector.recipe.evaluation;
  const Traits traits = detector.system->traits();
  const bool accuracy = config.metric == MetricKind::accuracy, cityscapes = config.metric == MetricKind::cityscapes;
  check(traits.classifies == accuracy, "evaluation.metric: a classifier is judged by \"accuracy\", and nothing else is; the model is ",
        traits.classifies ? "one" : "none");
  if (accuracy) return std::make_unique<AccuracyMetric>(std::move(dataset));
  const bool masks = options.masks && traits.masks;
  const CocoMetricOptions coco{options.boxes, masks, config.max_detections, options.score};
  check(!cityscapes || traits.masks, "evaluation.metric: Cityscapes' needs masks, but the model has no mask head");
  if (masks && (cityscapes || is_cityscapes(detector.recipe, *dataset)))
    return std::make_unique<CityscapesMetric>(std::move(dataset), coco, cityscapes);
  return std::make_unique<CocoMetric>(std::move(dataset), coco);
}

Evaluator::Evaluator(const std::shared_ptr<const Dataset>& dataset, const Detector& detector, const MetricOptions& options)
    : Evaluator(dataset, detector, make_metric(dataset, detector, options)) {}

Evaluator::Evaluator(std::shared_ptr<const Dataset> dataset, const Detector& detector, std::unique_ptr<Metric> metric)
    : dataset_(std::move(dataset)), metric_(std::move(metric)), classes_(detector.classes) {
  check(dataset_->size() > 0, "evaluation: the dataset has no images");
  const Classes theirs = classes_of(*dataset_);
  labels_ = match_classes(classes_, theirs, "evaluation");
  check(std::any_of(labels_.begin(), labels_.end(), [](int l) { return l > 0; }), "evaluation: none of the model's classes (",
        classes_.names.empty() ? "" : classes_.names[0], ", …) is one of the annotations' (", theirs.names.empty() ? "" : theirs.names[0],
        ", …); ", describe_mismatch(classes_, theirs, labels_));
}

std::vector<std::string> Evaluator::notes() const {
  std::vector<std::string> all = dataset_->notes();
  if (const std::string odd = describe_mismatch(classes_, classes_of(*dataset_), labels_); !odd.empty())
    all.push_back("evaluation: " + odd);
  for (std::string& note : metric_->notes()) all.push_back(std::move(note));
  return all;
}

int64_t evaluation_batch(const Recipe& recipe, Device device) {
  if (recipe.evaluation.batch > 0) return recipe.evaluation.batch;
  return device.type == DeviceType::cpu ? 1 : recipe.train.batch;
}

void Evaluator::judge(const Detector& detector, const std::vector<IndexedImage>& batch) {
  if (batch.empty()) return;
  std::vector<const Image*> images;
  std::vector<std::vector<ProposedBox>> given;
  for (const IndexedImage& i : batch) {
    images.push_back(&i.image);
    given.push_back(i.proposals);
  }
  std::vector<std::vector<Detection>> found = detect(detector, images, given);
  for (size_t n = 0; n < batch.size(); ++n) {
    for (Detection& d : found[n]) d.label = labels_.at(static_cast<size_t>(d.label - 1));
    std::erase_if(found[n], [](const Detection& d) { return d.label == 0; });
    metric_->add(batch[n].index, found[n]);
  }
}

Evaluation Evaluator::run(const Detector& detector, const Progress& progress) {
  const Recipe& recipe = detector.recipe;
  const Device device = detector.system->parameters().device();
  const int64_t at_once = evaluation_batch(recipe, device);
  LoaderOptions one_by_one;
  one_by_one.batch = 1;
  // The CPU's cores are the network's; for a GPU they decode.
  one_by_one.workers = device.type == DeviceType::cpu ? std::min<int64_t>(recipe.data.workers, 1) : recipe.data.workers;
  one_by_one.prefetch = std::clamp<int64_t>(2 * at_once, one_by_one.prefetch, 1024);
  one_by_one.corrupt = recipe.data.corrupt_images;
  Loader loader = Loader::single_pass(dataset_, one_by_one);
  SizeGroups groups(at_once, recipe.preprocess);
  Evaluation e;
  metric_->begin();
  while (auto loaded = loader.next()) {
    stop_if_interrupted();
    for (size_t i = 0; i < loaded->samples.size(); ++i) {
      Sample& s = loaded->samples[i];
      judge(detector, groups.add(loaded->indices[i], std::move(s.image), std::move(s.proposals)));
    }
    for (const SkippedSample& s : loaded->skipped) e.skipped.push_back(s.why);
    e.images += static_cast<int64_t>(loaded->samples.size());
    if (progress) progress(e.images + static_cast<int64_t>(e.skipped.size()), dataset_->size());
  }
  check(e.images > 0, "evaluation: no image of the dataset can be decoded; the first: ", e.skipped.empty() ? "" : e.skipped.front());
  for (auto batch = groups.rest(); !batch.empty(); batch = groups.rest()) judge(detector, batch);
  e.judgement = metric_->finish();
  return e;
}

double Evaluator::estimate_seconds(const Detector& detector) {
  const bool skips = detector.recipe.data.corrupt_images == CorruptImages::skip;
  const int64_t at_once = evaluation_batch(detector.recipe, detector.system->parameters().device());
  const auto judge_some = [&](int64_t count) {  // evenly spread
    SizeGroups groups(at_once, detector.recipe.preprocess);
    metric_->begin();
    for (int64_t i = 0; i < count; ++i) {
      stop_if_interrupted();
      const int64_t index = i * dataset_->size() / count;
      try {
        Sample s = dataset_->sample(index);
        judge(detector, groups.add(index, std::move(s.image), std::move(s.proposals)));
      } catch (const ImageError& e) {
        if (!skips || e.fault == ImageFault::cannot_open) throw;
      }
    }
    for (auto batch = groups.rest(); !batch.empty(); batch = groups.rest()) judge(detector, batch);
  };
  const int64_t tried = std::min<int64_t>(dataset_->size(), std::max<int64_t>(6, 2 * at_once));
  judge_some(std::min(tried, at_once));  // fills caches
  const double begin = seconds_since_start();
  judge_some(tried);
  return (seconds_since_start() - begin) * static_cast<double>(dataset_->size()) / static_cast<double>(tried);
}

std::string to_json(const Evaluation& e, bool details) {
  JsonWriter j;
  j.object();
  for (const auto& [key, value] : e.judgement->figures) j.key(key).written(value);
  j.field("images", e.images).field("skipped", e.skipped.size());
  if (details)
    for (const auto& [key, value] : e.judgement->details) j.key(key).written(value);
  return j.end().take();
}

EvaluationOutcome outcome_of(const Evaluation& e) {
  EvaluationOutcome o{e.judgement->score, e.judgement->summary, to_json(e, false)};
  if (!e.skipped.empty()) append(o.summary, str("; ", e.skipped.size(), " images could not be read, and do not count"));
  return o;
}

}  // namespace mr
