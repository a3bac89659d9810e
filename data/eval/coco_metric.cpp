#include "data/eval/coco_metric.h"

#include <cstdio>
#include <set>

#include "base/check.h"
#include "data/dataset.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

constexpr size_t most_pairs = 15;  // of confused classes that the table shows

// A figure of COCO's; −1 is none.
Cell figure(double v) { return v < 0 ? Cell(no_value) : Cell(v); }

// What was judged, by name: "box", "mask".
using Judged = std::vector<std::pair<std::string, const CocoFigures*>>;

Table figures_table(const Judged& judged) {
  Table t{.title = "COCO's figures: average precision (AP) and average recall (AR)", .columns = {""}, .rows = {}, .decimals = 4};
  for (const auto& [what, figures] : judged) t.columns.push_back(what == "mask" ? "masks" : "boxes");
  t.columns.emplace_back("");
  for (const CocoFigureName& f : coco_figure_names()) {
    std::vector<Cell>& row = t.rows.emplace_back(std::vector<Cell>{std::string(f.key)});
    for (const auto& [what, figures] : judged) row.push_back(figure(figures->*f.value));
    row.emplace_back(std::string(f.text));
  }
  return t;
}

// A row a class, and one for all.
Table class_table(const Judged& judged) {
  Table t{.title = "by class", .columns = {"class", "objects"}, .rows = {}, .decimals = 4};
  std::vector<Cell> all = {std::string("all"), int64_t{0}};
  for (const auto& [what, figures] : judged) {
    t.columns.insert(t.columns.end(), {what + " AP", what + " AP50"});
    all.insert(all.end(), {figure(figures->AP), figure(figures->AP50)});
  }
  const std::vector<CocoFigures::Class>& classes = judged.front().second->per_class;
  for (size_t k = 0; k < classes.size(); ++k) {
    std::vector<Cell>& row = t.rows.emplace_back(std::vector<Cell>{classes[k].name, classes[k].objects});
    for (const auto& [what, figures] : judged)
      row.insert(row.end(), {figure(figures->per_class[k].AP), figure(figures->per_class[k].AP50)});
    std::get<int64_t>(all[1]) += classes[k].objects;
  }
  t.rows.push_back(std::move(all));
  return t;
}

// The most frequent pairs of classes that were confused, then as many with "nothing" on one side: what was missed, and
// found where nothing is.
Table confusion_table(const Confusions& c) {
  const auto name = [&c](int label) { return label == 0 ? std::string("nothing") : c.class_names[static_cast<size_t>(label) - 1]; };
  Table t{.title = str("what is there, and as what it was found with a score of ", c.options.score, " or more, at ",
                       c.options.type == CocoType::segm ? "mask" : "box", " IoU ", c.options.iou, " or more"),
          .columns = {"times", "there", "found"},
          .rows = {}};
  for (const bool with_nothing : {false, true}) {
    size_t shown = 0;
    for (const Confusions::Pair& p : c.pairs)
      if ((p.truth == 0 || p.found == 0) == with_nothing && shown++ < most_pairs) t.rows.push_back({p.count, name(p.truth), name(p.found)});
  }
  const size_t more = c.pairs.size() - t.rows.size();
  if (c.pairs.empty()) t.note = "No class was taken for another, and nothing was missed.";
  if (more > 0) t.note = str("and ", more, " pairs more (eval --json has all)");
  return t;
}

std::string summary_of(const CocoJudgement& j) {
  std::string summary;
  for (const auto& [judged, what, figures] : {std::tuple(j.has_masks, "mask", &j.segm), std::tuple(j.has_boxes, "box", &j.bbox)}) {
    if (!judged) continue;
    char text[64];
    std::snprintf(text, sizeof text, "%s AP %.3f (AP50 %.3f)", what, figures->AP, figures->AP50);
    append(summary, str(summary.empty() ? "" : ", ", text));
  }
  return summary;
}

// All of the rest from figures and confusions.
void describe(CocoJudgement& j) {
  Judged judged;
  if (j.has_boxes) judged.emplace_back("box", &j.bbox), j.figures.emplace_back("bbox", to_json(j.bbox));
  if (j.has_masks) judged.emplace_back("mask", &j.segm), j.figures.emplace_back("segm", to_json(j.segm));
  j.details.emplace_back("confusions", to_json(j.confusions));
  j.score = j.has_masks ? j.segm.AP : j.bbox.AP;
  j.summary = summary_of(j);
  j.tables = {figures_table(judged), class_table(judged), confusion_table(j.confusions)};
}

}  // namespace

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

CocoMetric::CocoMetric(std::shared_ptr<const Dataset> dataset, const CocoMetricOptions& options)
    : dataset_(std::move(dataset)), options_(options), truth_(coco_ground_truth(*dataset_, options.masks)) {
  check(options_.boxes || options_.masks, "COCO's metric: expected boxes or masks to judge, got neither");
}

std::vector<std::string> CocoMetric::notes() const {
  const double AP = coco_self_check(truth_, CocoType::bbox);
  if (AP < 0) return {"evaluation: the val split has no objects, every figure will be -1"};
  if (AP > 0.999999) return {};
  char score[32];
  std::snprintf(score, sizeof score, "%.4f", AP);
  return {str("evaluation: the ground truth itself scores only ", score, " AP (mrcnn dataset lint tells why)")};
}

void CocoMetric::begin() {
  added_.clear();
  detections_.clear();
}

void CocoMetric::add(int64_t index, const std::vector<Detection>& found) {
  added_.push_back(dataset_->info(index).image_id);
  for (CocoDetection& d : coco_detections(found, added_.back(), options_.masks)) detections_.push_back(std::move(d));
}

CocoGroundTruth CocoMetric::added_truth() const {
  const std::set<int64_t> ids(added_.begin(), added_.end());
  CocoGroundTruth truth = truth_;
  std::erase_if(truth.image_ids, [&ids](int64_t id) { return !ids.contains(id); });
  std::erase_if(truth.objects, [&ids](const CocoObject& o) { return !ids.contains(o.image_id); });
  return truth;
}

std::unique_ptr<Judgement> CocoMetric::finish() {
  auto j = std::make_unique<CocoJudgement>();
  j->has_boxes = options_.boxes;
  j->has_masks = options_.masks;
  j->detections = std::exchange(detections_, {});
  const bool all = added_.size() == truth_.image_ids.size();
  const CocoGroundTruth fewer = all ? CocoGroundTruth() : added_truth();
  const CocoGroundTruth& truth = all ? truth_ : fewer;
  CocoEvalOptions options;
  options.max_dets = coco_max_dets(static_cast<int>(options_.max_detections));
  if (j->has_boxes) j->bbox = coco_evaluate(truth, j->detections, options);
  options.type = CocoType::segm;
  if (j->has_masks) j->segm = coco_evaluate(truth, j->detections, options);
  j->confusions = find_confusions(truth, j->detections, {j->has_masks ? CocoType::segm : CocoType::bbox, options_.score});
  describe(*j);
  return j;
}

}  // namespace mr
