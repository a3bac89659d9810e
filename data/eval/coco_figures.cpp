#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>

#include "base/check.h"
#include "base/json_text.h"
#include "data/dataset.h"
#include "data/eval/coco_eval.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

constexpr CocoFigureName kFigures[] = {
    {"AP", "average precision, IoU .50:.95", &CocoFigures::AP},
    {"AP50", "average precision, IoU .50", &CocoFigures::AP50},
    {"AP75", "average precision, IoU .75", &CocoFigures::AP75},
    {"APs", "average precision, small", &CocoFigures::APs},
    {"APm", "average precision, medium", &CocoFigures::APm},
    {"APl", "average precision, large", &CocoFigures::APl},
    {"AR1", "average recall, fewest detections", &CocoFigures::AR1},
    {"AR10", "average recall, few detections", &CocoFigures::AR10},
    {"AR100", "average recall, all detections", &CocoFigures::AR100},
    {"ARs", "average recall, small", &CocoFigures::ARs},
    {"ARm", "average recall, medium", &CocoFigures::ARm},
    {"ARl", "average recall, large", &CocoFigures::ARl},
};

}  // namespace

std::span<const CocoFigureName> coco_figure_names() { return kFigures; }

std::string to_json(const CocoFigures& figures) {
  JsonWriter j;
  j.object();
  for (const CocoFigureName& f : kFigures) j.field(f.key, figures.*f.value);
  std::map<std::string, int> times;
  for (const CocoFigures::Class& c : figures.per_class) ++times[c.name];
  j.key("per_class").object();
  for (const CocoFigures::Class& c : figures.per_class) {
    j.key(times[c.name] > 1 ? str(c.name, " #", c.category_id) : c.name).object();
    j.field("AP", c.AP).field("AP50", c.AP50).field("AP75", c.AP75).field("objects", c.objects).end();
  }
  return j.end().end().take();
}

std::string to_text(const CocoFigures& figures) {
  std::string out;
  for (const CocoFigureName& f : kFigures) {
    char line[120];
    const bool none = figures.*f.value < 0;
    std::snprintf(line, sizeof line, "%-6s %7.4f   %s%s\n", f.key, figures.*f.value, f.text, none ? " (-1: there is no such object)" : "");
    out += line;
  }
  return out;
}

std::vector<CocoObject> Dataset::truth(int64_t index, bool masks) const {
  const int64_t image_id = info(index).image_id;
  std::vector<CocoObject> out;
  for (const Instance& o : instances(index)) {
    CocoObject& g = out.emplace_back();
    g.id = o.id, g.image_id = image_id, g.label = o.label;
    g.box = coco_box(o.box), g.area = o.area, g.crowd = o.crowd;
    if (masks) g.mask = rle_encode(o.mask);
  }
  return out;
}

CocoGroundTruth coco_ground_truth(const Dataset& dataset, bool masks) {
  CocoGroundTruth out;
  out.class_names = dataset.class_names();
  out.category_ids = dataset.category_ids();
  const auto n = static_cast<size_t>(dataset.size());
  out.image_ids.resize(n);
  std::vector<std::vector<CocoObject>> objects(n);
  parallel_for(dataset.size(), 8, [&](int64_t index) {
    const auto i = static_cast<size_t>(index);
    out.image_ids[i] = dataset.info(index).image_id;
    objects[i] = dataset.truth(index, masks);
  });
  for (std::vector<CocoObject>& of_image : objects) std::move(of_image.begin(), of_image.end(), std::back_inserter(out.objects));
  return out;
}

CocoSelfCheck::CocoSelfCheck(std::vector<std::string> class_names, std::vector<int64_t> category_ids, size_t images, CocoType type)
    : evaluation_(std::move(class_names), std::move(category_ids), images, {type, coco_max_dets(INT32_MAX)}) {}

void CocoSelfCheck::Image::add(const CocoObject& object) {
  constexpr uint64_t most_objects = 3000, most_counts = uint64_t{1} << 23, most_compared = uint64_t{1} << 32;  // two counts a run
  if (++seen_ > most_objects) return objects_.clear();
  const uint64_t counts = counts_ + object.mask.counts.size();
  if (counts > most_counts || 2 * counts * (objects_.size() + 1) > most_compared) return;
  counts_ = counts;
  objects_.push_back(object);
}

void CocoSelfCheck::image(size_t index, const Image& image) {
  std::vector<const CocoObject*> objects;
  std::vector<CocoDetection> detections;
  for (const CocoObject& g : image.objects_) {
    objects.push_back(&g);
    if (!g.crowd) detections.push_back({g.image_id, g.label, 1.0, g.box, g.mask, {}});
  }
  std::vector<const CocoDetection*> found;
  for (const CocoDetection& d : detections) found.push_back(&d);
  evaluation_.image(index, std::move(objects), std::move(found));
}

double coco_self_check(const CocoGroundTruth& truth, CocoType type) {
  std::map<int64_t, CocoSelfCheck::Image> images;  // by rising id
  for (const CocoObject& g : truth.objects) images[g.image_id].add(g);
  CocoSelfCheck check(truth.class_names, truth.category_ids, images.size(), type);
  size_t index = 0;
  for (const auto& [id, objects] : images) check.image(index++, objects);
  return check.AP();
}

}  // namespace mr
