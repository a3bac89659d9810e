#include "data/eval/by_image.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "base/check.h"

namespace mr {
namespace {

bool finite(const CocoBox& b) { return std::isfinite(b.x) && std::isfinite(b.y) && std::isfinite(b.w) && std::isfinite(b.h); }

void check_input(const CocoGroundTruth& truth, const std::vector<CocoDetection>& detections) {
  const auto K = static_cast<int>(truth.class_names.size());
  check(truth.category_ids.size() == truth.class_names.size(), "coco_evaluate: category_ids must be as many as class_names, ", K, ", got ",
        truth.category_ids.size());
  for (const CocoObject& g : truth.objects) {
    check(g.label >= 1 && g.label <= K, "coco_evaluate: annotation ", g.id, ": label must be in 1 ... ", K, ", got ", g.label);
    check(finite(g.box) && std::isfinite(g.area), "coco_evaluate: annotation ", g.id, ": box and area must be finite");
  }
  for (size_t k = 0; k < detections.size(); ++k) {
    const CocoDetection& d = detections[k];
    check(d.label >= 1 && d.label <= K, "coco_evaluate: detection ", k, " (image ", d.image_id, "): label must be in 1 ... ", K, ", got ",
          d.label);
    check(std::isfinite(d.score), "coco_evaluate: detection ", k, " (image ", d.image_id, "): score must be finite, got ", d.score);
    check(finite(d.box) && !std::isnan(d.area.value_or(0)), "coco_evaluate: detection ", k, " (image ", d.image_id,
          "): box and area must be finite");
  }
}

using Places = std::unordered_map<int64_t, size_t>;  // of images, by id

// The place of each record's image.
template <class Record> std::vector<size_t> images_of(const std::vector<Record>& records, const Places& images, const char* what) {
  std::vector<size_t> image;
  image.reserve(records.size());
  for (const Record& r : records) {
    const auto found = images.find(r.image_id);
    check(found != images.end(), "coco_evaluate: ", what, " ", image.size(), ": image ", r.image_id, " is not in the ground truth");
    image.push_back(found->second);
  }
  return image;
}

// The records at at[start[i]], at[start[i] + 1], … up to at[start[i + 1]].
template <class Record> std::vector<const Record*> some_of(const std::vector<Record>& records, const std::vector<size_t>& start,
                                                           const std::vector<size_t>& at, size_t i) {
  std::vector<const Record*> out;
  for (size_t k = start[i]; k < start[i + 1]; ++k) out.push_back(&records[at[k]]);
  return out;
}

}  // namespace

ByImage::ByImage(const CocoGroundTruth& truth, const std::vector<CocoDetection>& detections)
    : truth_(truth), all_detections_(detections), ids_(truth.image_ids) {
  check_input(truth, detections);
  std::sort(ids_.begin(), ids_.end());
  Places images;
  for (size_t i = 0; i < ids_.size(); ++i)
    check(images.emplace(ids_[i], i).second, "coco_evaluate: image ", ids_[i], " stands twice in the ground truth");
  const auto sorted = [this](const std::vector<size_t>& image) {
    Records r;
    r.start.resize(ids_.size() + 1);
    for (const size_t i : image) ++r.start[i + 1];
    std::partial_sum(r.start.begin(), r.start.end(), r.start.begin());
    r.at.resize(image.size());
    std::vector<size_t> next(r.start.begin(), r.start.end() - 1);
    for (size_t k = 0; k < image.size(); ++k) r.at[next[image[k]]++] = k;
    return r;
  };
  objects_ = sorted(images_of(truth.objects, images, "object"));
  detections_ = sorted(images_of(detections, images, "detection"));
}

std::vector<const CocoObject*> ByImage::objects(size_t i) const { return some_of(truth_.objects, objects_.start, objects_.at, i); }
std::vector<const CocoDetection*> ByImage::detections(size_t i) const {
  return some_of(all_detections_, detections_.start, detections_.at, i);
}

}  // namespace mr
