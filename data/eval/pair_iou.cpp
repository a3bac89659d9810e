#include "data/eval/pair_iou.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "data/eval/coco_eval.h"

namespace mr {
namespace {

// The runs of ones, as pixel numbers, and the box around them.
struct Runs {
  std::vector<uint32_t> begin, end;
  int64_t area = 0;
  Box box;

  explicit Runs(const Rle& mask) : box(rle_box(mask)) {
    begin.reserve(mask.counts.size() / 2), end.reserve(mask.counts.size() / 2);
    uint32_t at = 0;
    for (size_t i = 0; i < mask.counts.size(); ++i) {
      const uint32_t next = at + mask.counts[i];
      if (i % 2 == 1 && next > at) {
        begin.push_back(at), end.push_back(next);
        area += next - at;
      }
      at = next;
    }
  }
};

bool apart(const Box& a, const Box& b) { return a.x2 <= b.x1 || b.x2 <= a.x1 || a.y2 <= b.y1 || b.y2 <= a.y1; }

// Pixels in both, which is not empty. Only the runs between the later start and the earlier end are looked at.
int64_t common_pixels(const Runs& a, const Runs& b) {
  const uint32_t from = std::max(a.begin.front(), b.begin.front()), to = std::min(a.end.back(), b.end.back());
  const auto first = [from](const Runs& r) {
    return static_cast<size_t>(std::upper_bound(r.end.begin(), r.end.end(), from) - r.end.begin());
  };
  const auto last = [to](const Runs& r) {
    return static_cast<size_t>(std::lower_bound(r.begin.begin(), r.begin.end(), to) - r.begin.begin());
  };
  size_t i = first(a), j = first(b);
  const size_t I = last(a), J = last(b);
  int64_t common = 0;
  while (i < I && j < J) {
    const int64_t overlap = int64_t{std::min(a.end[i], b.end[j])} - std::max(a.begin[i], b.begin[j]);
    common += std::max<int64_t>(overlap, 0);
    const bool a_ends = a.end[i] < b.end[j];
    i += a_ends, j += !a_ends;
  }
  return common;
}

double box_iou(const CocoBox& d, const CocoBox& g, bool crowd) {
  const double w = std::fmin(d.w + d.x, g.w + g.x) - std::fmax(d.x, g.x);
  if (w <= 0) return 0;
  const double h = std::fmin(d.h + d.y, g.h + g.y) - std::fmax(d.y, g.y);
  if (h <= 0) return 0;
  const double both = w * h;
  return both / (crowd ? d.w * d.h : d.w * d.h + g.w * g.h - both);
}

void mask_iou(const std::vector<const CocoDetection*>& detections, const std::vector<const CocoObject*>& objects,
              std::vector<double>& iou) {
  const size_t G = objects.size();
  if (G == 0 || detections.empty()) return;
  std::vector<Runs> truth;
  truth.reserve(G);
  for (const CocoObject* g : objects) truth.emplace_back(g->mask);
  for (size_t d = 0; d < detections.size(); ++d) {
    const Runs found(detections[d]->mask);
    for (size_t g = 0; g < G; ++g) {
      const Rle &x = detections[d]->mask, &y = objects[g]->mask;
      check(x.height == y.height && x.width == y.width, "coco_evaluate: image ", objects[g]->image_id,
            ": a detection's mask must have the size of annotation ", objects[g]->id, ", ", y.height, "x", y.width, ", got ", x.height, "x",
            x.width);
      if (apart(found.box, truth[g].box)) continue;
      const int64_t common = common_pixels(found, truth[g]);
      if (common == 0) continue;
      const int64_t either = objects[g]->crowd ? found.area : found.area + truth[g].area - common;
      iou[d * G + g] = static_cast<double>(common) / static_cast<double>(either);
    }
  }
}

}  // namespace

void pair_iou(CocoType type, const std::vector<const CocoDetection*>& detections, const std::vector<const CocoObject*>& objects,
              std::vector<double>& iou) {
  const size_t G = objects.size();
  iou.assign(detections.size() * G, 0.0);
  if (type == CocoType::segm) return mask_iou(detections, objects, iou);
  for (size_t d = 0; d < detections.size(); ++d)
    for (size_t g = 0; g < G; ++g) iou[d * G + g] = box_iou(detections[d]->box, objects[g]->box, objects[g]->crowd);
}

}  // namespace mr
