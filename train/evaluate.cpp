#include "train/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json_text.h"
#include "data/image/image.h"
#include "data/loader/loader.h"
#include "tensor/parallel.h"
#include "train/interrupt.h"

namespace mr {

Evaluator::Evaluator(std::shared_ptr<const Dataset> dataset, const Detector& detector)
    : dataset_(std::move(dataset)), classes_(detector.classes) {
  check(dataset_->size() > 0, "evaluation: the dataset has no images");
  const Classes theirs = classes_of(*dataset_);
  labels_ = match_classes(classes_, theirs, "evaluation");
  check(std::any_of(labels_.begin(), labels_.end(), [](int l) { return l > 0; }), "evaluation: none of the model's classes (",
        classes_.names.empty() ? "" : classes_.names[0], ", …) is one of the annotations' (", theirs.names.empty() ? "" : theirs.names[0],
        ", …); ", describe_mismatch(classes_, theirs, labels_));
  truth_ = coco_ground_truth(*dataset_, detector.system->traits().masks);
}

std::vector<std::string> Evaluator::notes() const {
  std::vector<std::string> all = dataset_->notes();
  if (const std::string odd = describe_mismatch(classes_, classes_of(*dataset_), labels_); !odd.empty())
    all.push_back("evaluation: " + odd);
  if (const auto warning = self_check()) all.push_back(*warning);
  return all;
}

std::optional<std::string> Evaluator::self_check() const {
  const double AP = coco_self_check(truth_, CocoType::bbox);
  if (AP < 0) return "evaluation: the val split has no objects, every figure will be -1";
  if (AP > 0.999999) return std::nullopt;
  return fmt::format("evaluation: the ground truth itself scores only {:.4f} AP (mrcnn dataset lint tells why)", AP);
}

std::vector<CocoDetection> coco_detections(const std::vector<Detection>& found, int64_t image_id, bool masks) {
  std::vector<CocoDetection> rows(found.size());
  parallel_for(static_cast<int64_t>(found.size()), 4, [&](int64_t i) {
    const Detection& d = found[static_cast<size_t>(i)];
    CocoDetection& r = rows[static_cast<size_t>(i)];
    r.image_id = image_id;
    r.label = d.label;
    r.score = d.score;
    r.box = coco_box(d.box);
    if (masks) r.mask = rle_encode(d.mask);
  });
  return rows;
}

void Evaluator::detect_image(const Detector& detector, const Sample& sample, std::vector<CocoDetection>& out) const {
  const std::vector<Detection> found = detect(detector, sample.image);
  for (CocoDetection& r : coco_detections(found, sample.info.image_id, detector.system->traits().masks)) {
    r.label = labels_.at(static_cast<size_t>(r.label - 1));
    if (r.label > 0) out.push_back(std::move(r));
  }
}

Evaluation Evaluator::run(const Detector& detector, const EvaluationOptions& options) const {
  LoaderOptions one_by_one;
  one_by_one.batch = 1;
  one_by_one.workers = std::min<int64_t>(detector.recipe.data.workers, 1);
  one_by_one.corrupt = detector.recipe.data.corrupt_images;
  Loader loader = Loader::single_pass(dataset_, one_by_one);
  std::vector<int64_t> skipped;
  Evaluation e;
  while (const auto loaded = loader.next()) {
    stop_if_interrupted();
    for (const Sample& s : loaded->samples) detect_image(detector, s, e.detections);
    for (const SkippedSample& s : loaded->skipped) skipped.push_back(s.index), e.skipped.push_back(s.why);
    e.images += static_cast<int64_t>(loaded->samples.size());
    if (options.progress) options.progress(e.images + static_cast<int64_t>(skipped.size()), dataset_->size());
  }
  check(e.images > 0, "evaluation: no image of the dataset can be decoded; the first: ", skipped.empty() ? "" : e.skipped.front());
  const CocoGroundTruth fewer = skipped.empty() ? CocoGroundTruth() : truth_without(skipped);
  judge(e, skipped.empty() ? truth_ : fewer, detector, options);
  return e;
}

void Evaluator::judge(Evaluation& e, const CocoGroundTruth& truth, const Detector& detector, const EvaluationOptions& options) const {
  CocoEvalOptions figures;
  figures.max_dets = coco_max_dets(static_cast<int>(detector.recipe.evaluation.max_detections));
  e.has_boxes = options.boxes;
  e.has_masks = options.masks && detector.system->traits().masks;
  figures.type = CocoType::bbox;
  if (e.has_boxes) e.bbox = coco_evaluate(truth, e.detections, figures);
  figures.type = CocoType::segm;
  if (e.has_masks) e.segm = coco_evaluate(truth, e.detections, figures);
  e.confusions = find_confusions(truth, e.detections, {e.has_masks ? CocoType::segm : CocoType::bbox, options.score});
}

CocoGroundTruth Evaluator::truth_without(const std::vector<int64_t>& skipped) const {
  std::set<int64_t> ids;
  for (const int64_t index : skipped) ids.insert(dataset_->info(index).image_id);
  CocoGroundTruth truth = truth_;
  std::erase_if(truth.image_ids, [&ids](int64_t id) { return ids.contains(id); });
  std::erase_if(truth.objects, [&ids](const CocoObject& o) { return ids.contains(o.image_id); });
  return truth;
}

double Evaluator::estimate_seconds(const Detector& detector) const {
  const int64_t tried = std::min<int64_t>(dataset_->size(), 6);
  const bool skips = detector.recipe.data.corrupt_images == CorruptImages::skip;
  std::vector<CocoDetection> detections;
  const auto detect_sample = [&](int64_t index) {
    try {
      detect_image(detector, dataset_->sample(index), detections);
    } catch (const ImageError& e) {
      if (!skips || e.fault == ImageFault::cannot_open) throw;
    }
  };
  detect_sample(0);  // fills caches
  const double begin = seconds_since_start();
  for (int64_t i = 0; i < tried; ++i) {
    stop_if_interrupted();
    detect_sample(i * dataset_->size() / tried);
  }
  return (seconds_since_start() - begin) * static_cast<double>(dataset_->size()) / static_cast<double>(tried);
}

std::string to_json(const Evaluation& e, bool confusions) {
  JsonWriter j;
  j.object();
  if (e.has_boxes) j.key("bbox").written(to_json(e.bbox));
  if (e.has_masks) j.key("segm").written(to_json(e.segm));
  j.field("images", e.images).field("skipped", e.skipped.size());
  if (confusions) j.key("confusions").written(to_json(e.confusions));
  return j.end().take();
}

EvaluationOutcome outcome_of(const Evaluation& e) {
  EvaluationOutcome o;
  o.score = e.has_masks ? e.segm.AP : e.bbox.AP;
  o.summary = fmt::format("box AP {:.3f} (AP50 {:.3f})", e.bbox.AP, e.bbox.AP50);
  if (e.has_masks) o.summary = fmt::format("mask AP {:.3f} (AP50 {:.3f}), ", e.segm.AP, e.segm.AP50) + o.summary;
  if (!e.skipped.empty()) o.summary += fmt::format("; {} images could not be read, and do not count", e.skipped.size());
  o.json = to_json(e, false);
  return o;
}

}  // namespace mr
