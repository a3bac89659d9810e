#include "data/eval/confusions.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/json_text.h"
#include "data/eval/by_image.h"
#include "data/eval/pair_iou.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

using Counts = std::map<std::pair<int, int>, int64_t>;  // of (truth, found)

// One image's objects and detections, each with what it turned out to be.
class Judgement {
 public:
  Judgement(const ConfusionOptions& options, std::vector<const CocoObject*> objects, std::vector<const CocoDetection*> detections)
      : options_(options), objects_(std::move(objects)), detections_(std::move(detections)) {
    std::erase_if(detections_, [&](const CocoDetection* d) { return d->score < options.score; });
    std::stable_sort(detections_.begin(), detections_.end(), [](const auto* a, const auto* b) { return a->score > b->score; });
    pair_iou(options.type, detections_, objects_, iou_);
    taken_.resize(objects_.size()), confused_.resize(objects_.size());
  }

  Confusions::Picture count(Counts& counts, std::vector<Confusions::Class>& classes) {
    Confusions::Picture p;
    std::vector<size_t> others;
    for (size_t d = 0; d < detections_.size(); ++d) {
      if (const size_t g = object_under(d, &Judgement::may_take); g < objects_.size()) {
        taken_[g] = true;
        ++p.right, ++classes[static_cast<size_t>(detections_[d]->label) - 1].right;
      } else {
        others.push_back(d);
      }
    }
    for (const size_t d : others) p.wrong += judge(d, counts, classes);
    for (size_t g = 0; g < objects_.size(); ++g) {
      if (objects_[g]->crowd || taken_[g]) continue;
      ++p.missing;
      if (!confused_[g]) ++counts[{objects_[g]->label, 0}];
    }
    return p;
  }

 private:
  using Condition = bool (Judgement::*)(size_t d, size_t g) const;
  bool may_take(size_t d, size_t g) const { return !objects_[g]->crowd && !taken_[g] && objects_[g]->label == detections_[d]->label; }
  bool is_object(size_t, size_t g) const { return !objects_[g]->crowd; }
  bool is_crowd_of_its_class(size_t d, size_t g) const { return objects_[g]->crowd && objects_[g]->label == detections_[d]->label; }

  // Of the objects that fulfil the condition, that on which the detection lies with the largest IoU; none: their number.
  size_t object_under(size_t d, Condition condition) const {
    double best = options_.iou;
    size_t found = objects_.size();
    for (size_t g = 0; g < objects_.size(); ++g) {
      const double iou = iou_[d * objects_.size() + g];
      if (iou >= best && (this->*condition)(d, g)) best = iou, found = g;
    }
    return found;
  }

  // A detection that is not right. Whether it is wrong, and not ignored.
  bool judge(size_t d, Counts& counts, std::vector<Confusions::Class>& classes) {
    const int label = detections_[d]->label;
    const size_t none = objects_.size();
    if (object_under(d, &Judgement::is_crowd_of_its_class) != none) return false;
    const size_t g = object_under(d, &Judgement::is_object);
    if (g == none) {
      ++counts[{0, label}];
    } else if (objects_[g]->label == label) {
      ++classes[static_cast<size_t>(label) - 1].doubles;
    } else {
      ++counts[{objects_[g]->label, label}];
      confused_[g] = true;
    }
    return true;
  }

  const ConfusionOptions& options_;
  std::vector<const CocoObject*> objects_;
  std::vector<const CocoDetection*> detections_;  // by falling score
  std::vector<double> iou_;                       // [D,G]
  std::vector<bool> taken_, confused_;            // [G]
};

}  // namespace

double Confusions::Picture::f() const {
  const int64_t errors = wrong + missing;
  return errors == 0 ? 1 : static_cast<double>(2 * right) / static_cast<double>(2 * right + errors);
}

Confusions find_confusions(const CocoGroundTruth& truth, const std::vector<CocoDetection>& detections, const ConfusionOptions& options) {
  const ByImage images(truth, detections);
  const size_t n = images.size(), K = truth.class_names.size();
  Confusions out{options, truth.class_names, {}, std::vector<Confusions::Class>(K), std::vector<Confusions::Picture>(n)};
  constexpr size_t blocks = 16;
  std::vector<Counts> counts(blocks);
  std::vector<std::vector<Confusions::Class>> classes(blocks, out.classes);
  parallel_for(blocks, 1, [&](int64_t index) {
    const auto b = static_cast<size_t>(index);
    for (size_t i = b * n / blocks; i < (b + 1) * n / blocks; ++i) {
      out.pictures[i] = Judgement(options, images.objects(i), images.detections(i)).count(counts[b], classes[b]);
      out.pictures[i].image_id = images.id(i);
    }
  });
  for (size_t b = 0; b < blocks; ++b) {
    if (b > 0)
      for (const auto& [pair, count] : counts[b]) counts[0][pair] += count;
    for (size_t k = 0; k < K; ++k) out.classes[k].right += classes[b][k].right, out.classes[k].doubles += classes[b][k].doubles;
  }
  for (const auto& [pair, count] : counts[0]) out.pairs.push_back({pair.first, pair.second, count});
  std::stable_sort(out.pairs.begin(), out.pairs.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return out;
}

std::vector<Confusions::Picture> worst_pictures(const Confusions& confusions, size_t most) {
  std::vector<Confusions::Picture> worst;
  for (const Confusions::Picture& p : confusions.pictures)
    if (p.wrong + p.missing > 0) worst.push_back(p);
  std::stable_sort(worst.begin(), worst.end(), [](const Confusions::Picture& a, const Confusions::Picture& b) {
    return std::pair(a.f(), -(a.wrong + a.missing)) < std::pair(b.f(), -(b.wrong + b.missing));
  });
  worst.resize(std::min(most, worst.size()));
  return worst;
}

std::string to_json(const Confusions& c) {
  JsonWriter j;
  j.object().field("type", c.options.type == CocoType::segm ? "segm" : "bbox");
  j.field("score", c.options.score).field("iou", c.options.iou).key("pairs").array();
  const auto name = [&](const char* key, int label) {
    label == 0 ? j.key(key).written("null") : j.field(key, c.class_names[static_cast<size_t>(label) - 1]);
  };
  for (const Confusions::Pair& p : c.pairs) {
    j.object();
    name("truth", p.truth);
    name("found", p.found);
    j.field("count", p.count).end();
  }
  return j.end().end().take();
}

}  // namespace mr
