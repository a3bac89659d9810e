#include "data/eval/coco_eval.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "base/check.h"
#include "data/eval/average_precision.h"
#include "data/eval/by_image.h"
#include "data/eval/pair_iou.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

constexpr int kThresholds = 10, kRecalls = 101, kRanges = 4, kIoU50 = 0, kIoU75 = 5;
enum Range { kAll, kSmall, kMedium, kLarge };
constexpr double kRange[kRanges][2] = {{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}};
bool outside(double area, int range) { return area < kRange[range][0] || area > kRange[range][1]; }

// As numpy's linspace rounds them.
double threshold(int t) { return t == kThresholds - 1 ? 0.95 : t * ((0.95 - 0.5) / 9) + 0.5; }

// One detection after matching; bit t of a mask is threshold t.
struct Scored {
  double score = 0;
  int label = 0, rank = 0;  // within its image and class, from 0
  std::array<uint16_t, kRanges> found = {}, ignored = {};
};

struct Counted {
  int label = 0;
  std::array<int64_t, kRanges> objects = {};  // not ignored
};

// The objects and detections of one class in one image.
class Match {
 public:
  Match(CocoType type, std::vector<const CocoObject*> objects, std::vector<const CocoDetection*> detections)
      : type_(type), objects_(std::move(objects)), detections_(std::move(detections)) {}

  void run(std::vector<Scored>& scored, Counted& counted) {
    pair_iou(type_, detections_, objects_, iou_);
    first_ = scored.size();
    for (size_t d = 0; d < detections_.size(); ++d) {
      Scored& s = scored.emplace_back();
      s.score = detections_[d]->score, s.label = detections_[d]->label, s.rank = static_cast<int>(d);
    }
    for (int range = 0; range < kRanges; ++range) {
      order(range);
      counted.objects[static_cast<size_t>(range)] = static_cast<int64_t>(regular_);
      for (int t = 0; t < kThresholds; ++t) assign(range, t, scored);
      for (size_t d = 0; d < detections_.size(); ++d) {
        if (!outside(area(d), range)) continue;
        Scored& s = scored[first_ + d];
        s.ignored[static_cast<size_t>(range)] |= static_cast<uint16_t>(~s.found[static_cast<size_t>(range)]);
      }
    }
  }

 private:
  size_t cell(size_t d, size_t g) const { return d * objects_.size() + g; }

  double area(size_t d) const {
    const CocoDetection& one = *detections_[d];
    if (one.area) return *one.area;
    return type_ == CocoType::bbox ? one.box.w * one.box.h : static_cast<double>(rle_area(one.mask));
  }

  // Objects that count first, then those to ignore, each in the file's order.
  void order(int range) {
    order_.clear();
    const auto ignore = [&](size_t g) { return objects_[g]->crowd || outside(objects_[g]->area, range); };
    for (size_t g = 0; g < objects_.size(); ++g)
      if (!ignore(g)) order_.push_back(g);
    regular_ = order_.size();
    for (size_t g = 0; g < objects_.size(); ++g)
      if (ignore(g)) order_.push_back(g);
  }

  void assign(int range, int t, std::vector<Scored>& scored) {
    const size_t none = objects_.size();
    const auto bit = static_cast<uint16_t>(1u << t);
    taken_.assign(objects_.size(), 0);
    for (size_t d = 0; d < detections_.size(); ++d) {
      double best = std::min(threshold(t), 1 - 1e-10);
      size_t match = none, place = 0;
      for (size_t k = 0; k < order_.size(); ++k) {
        const size_t g = order_[k];
        if (taken_[g] && !objects_[g]->crowd) continue;
        if (match != none && place < regular_ && k >= regular_) break;
        if (iou_[cell(d, g)] < best) continue;
        best = iou_[cell(d, g)], match = g, place = k;
      }
      if (match == none) continue;
      taken_[match] = 1;
      Scored& s = scored[first_ + d];
      if (objects_[match]->id != 0) s.found[static_cast<size_t>(range)] |= bit;
      if (place >= regular_) s.ignored[static_cast<size_t>(range)] |= bit;
    }
  }

  CocoType type_;
  std::vector<const CocoObject*> objects_;
  std::vector<const CocoDetection*> detections_;
  std::vector<double> iou_;  // [D,G]
  std::vector<size_t> order_;
  std::vector<uint8_t> taken_;
  size_t regular_ = 0, first_ = 0;
};

// The records at `at`, split by label.
template <class Record> std::vector<const Record*> of_label(const std::vector<const Record*>& sorted, size_t& from, int label) {
  std::vector<const Record*> out;
  while (from < sorted.size() && sorted[from]->label == label) out.push_back(sorted[from++]);
  return out;
}

void evaluate_image(CocoType type, size_t limit, std::vector<const CocoObject*> objects, std::vector<const CocoDetection*> detections,
                    std::vector<Scored>& scored, std::vector<Counted>& counts) {
  std::stable_sort(objects.begin(), objects.end(), [](const auto* a, const auto* b) { return a->label < b->label; });
  std::stable_sort(detections.begin(), detections.end(),
                   [](const auto* a, const auto* b) { return a->label != b->label ? a->label < b->label : a->score > b->score; });
  size_t g = 0, d = 0;
  while (g < objects.size() || d < detections.size()) {
    const int label =
        std::min(g < objects.size() ? objects[g]->label : INT32_MAX, d < detections.size() ? detections[d]->label : INT32_MAX);
    auto mine = of_label(objects, g, label);
    auto found = of_label(detections, d, label);
    if (found.size() > limit) found.resize(limit);
    Counted& counted = counts.emplace_back();
    counted.label = label;
    Match(type, std::move(mine), std::move(found)).run(scored, counted);
  }
}

// What one class comes to.
struct ClassFigures {
  bool any[kRanges] = {};                 // objects in the range
  double precision[kRanges] = {};         // mean over thresholds and recalls, at max_dets[2]
  double precision_at[kThresholds] = {};  // of range all: mean over recalls
  double recall[kRanges] = {};            // mean over thresholds, at max_dets[2]
  double recall_few[2] = {};              // of range all, at max_dets[0] and [1]
  PrecisionCurves curves;                 // of range all
};

// Recall in the end, and the mean precision, of detections by falling score. `at`: the precisions that this is the mean of.
struct Curve {
  double recall = 0, precision = 0;
};
Curve curve(const std::vector<const Scored*>& sorted, int range, int t, int limit, int64_t objects, std::vector<double>& rc,
            std::vector<double>& pr, std::span<double> at) {
  const auto r = static_cast<size_t>(range);
  const int bit = 1 << t;
  const auto n = static_cast<double>(objects);
  double tp = 0, fp = 0;
  rc.clear(), pr.clear();
  for (const Scored* s : sorted) {
    if (s->rank >= limit) continue;
    if (!(s->ignored[r] & bit)) (s->found[r] & bit ? tp : fp) += 1;
    rc.push_back(tp / n);
    pr.push_back(tp / (fp + tp + 0x1p-52));
  }
  interpolated_precision(rc, pr, at);
  return {rc.empty() ? 0 : rc.back(), std::accumulate(at.begin(), at.end(), 0.0) / kRecalls};
}

void add_curve(PrecisionCurves& curves, int t, const std::vector<double>& at) {
  if (t == kIoU50) curves.iou50 = at;
  if (t == kIoU75) curves.iou75 = at;
  curves.mean.resize(at.size());
  for (size_t k = 0; k < at.size(); ++k) curves.mean[k] += at[k] / kThresholds;
}

ClassFigures evaluate_class(std::vector<const Scored*> scored, const std::array<int64_t, kRanges>& objects,
                            const std::array<int, 3>& max_dets) {
  std::stable_sort(scored.begin(), scored.end(), [](const Scored* a, const Scored* b) { return a->score > b->score; });
  ClassFigures out;
  std::vector<double> rc, pr, at(kRecalls);
  for (int range = 0; range < kRanges; ++range) {
    const int64_t n = objects[static_cast<size_t>(range)];
    out.any[range] = n > 0;
    if (n == 0) continue;
    for (int t = 0; t < kThresholds; ++t) {
      const Curve c = curve(scored, range, t, max_dets[2], n, rc, pr, at);
      out.precision[range] += c.precision;
      out.recall[range] += c.recall;
      if (range != kAll) continue;
      out.precision_at[t] = c.precision;
      add_curve(out.curves, t, at);
      for (int k = 0; k < 2; ++k) out.recall_few[k] += curve(scored, range, t, max_dets[static_cast<size_t>(k)], n, rc, pr, at).recall;
    }
    out.precision[range] /= kThresholds, out.recall[range] /= kThresholds;
  }
  for (double& r : out.recall_few) r /= kThresholds;
  return out;
}

// Mean over the classes that have objects in the range, −1 if none has.
template <class Value> double mean(const std::vector<ClassFigures>& classes, int range, Value&& value) {
  double sum = 0;
  int64_t n = 0;
  for (const ClassFigures& c : classes)
    if (c.any[range]) sum += value(c), ++n;
  return n > 0 ? sum / static_cast<double>(n) : -1;
}

// The mean of the classes' curves; empty where no class has objects.
PrecisionCurves mean_curves(const std::vector<ClassFigures>& classes) {
  PrecisionCurves out;
  for (std::vector<double> PrecisionCurves::*one : {&PrecisionCurves::iou50, &PrecisionCurves::iou75, &PrecisionCurves::mean})
    for (size_t k = 0; k < kRecalls; ++k) {
      const double precision = mean(classes, kAll, [&](const ClassFigures& c) { return (c.curves.*one)[k]; });
      if (precision >= 0) (out.*one).push_back(precision);
    }
  return out;
}

CocoFigures summary(const std::vector<ClassFigures>& classes) {
  CocoFigures f;
  f.AP = mean(classes, kAll, [](const auto& c) { return c.precision[kAll]; });
  f.AP50 = mean(classes, kAll, [](const auto& c) { return c.precision_at[kIoU50]; });
  f.AP75 = mean(classes, kAll, [](const auto& c) { return c.precision_at[kIoU75]; });
  f.APs = mean(classes, kSmall, [](const auto& c) { return c.precision[kSmall]; });
  f.APm = mean(classes, kMedium, [](const auto& c) { return c.precision[kMedium]; });
  f.APl = mean(classes, kLarge, [](const auto& c) { return c.precision[kLarge]; });
  f.AR1 = mean(classes, kAll, [](const auto& c) { return c.recall_few[0]; });
  f.AR10 = mean(classes, kAll, [](const auto& c) { return c.recall_few[1]; });
  f.AR100 = mean(classes, kAll, [](const auto& c) { return c.recall[kAll]; });
  f.ARs = mean(classes, kSmall, [](const auto& c) { return c.recall[kSmall]; });
  f.ARm = mean(classes, kMedium, [](const auto& c) { return c.recall[kMedium]; });
  f.ARl = mean(classes, kLarge, [](const auto& c) { return c.recall[kLarge]; });
  f.curves = mean_curves(classes);
  return f;
}

}  // namespace

struct CocoEvaluation::Image {
  std::vector<Scored> scored;    // by class, then score
  std::vector<Counted> counted;  // by class; every class that has objects here
};

CocoEvaluation::CocoEvaluation(std::vector<std::string> class_names, std::vector<int64_t> category_ids, size_t images,
                               const CocoEvalOptions& options)
    : class_names_(std::move(class_names)), category_ids_(std::move(category_ids)), options_(options), images_(images) {}
CocoEvaluation::~CocoEvaluation() = default;

void CocoEvaluation::image(size_t index, std::vector<const CocoObject*> objects, std::vector<const CocoDetection*> detections) {
  const auto check_label = [&](const auto* record) {
    check(record->label >= 1 && static_cast<size_t>(record->label) <= class_names_.size(), "coco_evaluate: image ", record->image_id,
          ": label must be in 1 ... ", class_names_.size(), ", got ", record->label);
  };
  for (const CocoObject* g : objects) check_label(g);
  for (const CocoDetection* d : detections) check_label(d);
  Image& out = images_.at(index);
  evaluate_image(options_.type, static_cast<size_t>(options_.max_dets[2]), std::move(objects), std::move(detections), out.scored,
                 out.counted);
}

CocoFigures CocoEvaluation::figures() const {
  const size_t K = class_names_.size();
  std::vector<std::vector<const Scored*>> scored(K);
  std::vector<std::array<int64_t, kRanges>> counts(K);
  for (const Image& r : images_) {
    for (const Scored& s : r.scored) scored[static_cast<size_t>(s.label) - 1].push_back(&s);
    for (const Counted& c : r.counted)
      for (size_t a = 0; a < kRanges; ++a) counts[static_cast<size_t>(c.label) - 1][a] += c.objects[a];
  }
  std::vector<ClassFigures> classes(K);
  parallel_for(static_cast<int64_t>(K), 1, [&](int64_t index) {
    const auto k = static_cast<size_t>(index);
    classes[k] = evaluate_class(std::move(scored[k]), counts[k], options_.max_dets);
  });
  CocoFigures figures = summary(classes);
  for (size_t k = 0; k < K; ++k) {
    CocoFigures::Class& c = figures.per_class.emplace_back();
    c.name = class_names_[k], c.category_id = category_ids_[k], c.objects = counts[k][kAll];
    if (c.objects == 0) continue;
    c.AP = classes[k].precision[kAll], c.AP50 = classes[k].precision_at[kIoU50], c.AP75 = classes[k].precision_at[kIoU75];
    c.curves = std::move(classes[k].curves);
  }
  return figures;
}

CocoFigures coco_evaluate(const CocoGroundTruth& truth, const std::vector<CocoDetection>& detections, const CocoEvalOptions& options) {
  const std::array<int, 3>& m = options.max_dets;
  check(1 <= m[0] && m[0] <= m[1] && m[1] <= m[2], "coco_evaluate: max_dets must rise from 1, got ", m[0], ", ", m[1], ", ", m[2]);
  const ByImage images(truth, detections);
  CocoEvaluation evaluation(truth.class_names, truth.category_ids, images.size(), options);
  parallel_for(static_cast<int64_t>(images.size()), 16, [&](int64_t index) {
    const auto i = static_cast<size_t>(index);
    evaluation.image(i, images.objects(i), images.detections(i));
  });
  return evaluation.figures();
}

}  // namespace mr
