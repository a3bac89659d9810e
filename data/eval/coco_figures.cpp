#include <algorithm>
#include <cstdio>
#include <map>

#include "base/check.h"
#include "base/json_text.h"
#include "data/dataset.h"
#include "data/eval/coco_eval.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

struct Named {
  const char *key, *text;
  double CocoFigures::*value;
};
constexpr Named kFigures[] = {
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

std::string to_json(const CocoFigures& figures) {
  std::string out = "{";
  for (const Named& f : kFigures) out += str('"', f.key, "\": ", json_number(figures.*f.value), ", ");
  std::map<std::string, int> times;
  for (const CocoFigures::Class& c : figures.per_class) ++times[c.name];
  out += "\"per_class\": {";
  for (const CocoFigures::Class& c : figures.per_class) {
    if (&c != figures.per_class.data()) out += ", ";
    out += json_string(times[c.name] > 1 ? str(c.name, " #", c.category_id) : c.name) + ": " + json_number(c.AP);
  }
  return out + "}}";
}

std::string to_text(const CocoFigures& figures) {
  std::string out;
  for (const Named& f : kFigures) {
    char line[80];
    std::snprintf(line, sizeof line, "%-6s %7.4f   %s\n", f.key, figures.*f.value, f.text);
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

double coco_self_check(const CocoGroundTruth& truth, CocoType type) {
  std::vector<CocoDetection> detections;
  std::map<std::pair<int64_t, int>, int> objects;  // of an image and class
  int most = 1;
  for (const CocoObject& g : truth.objects) {
    if (g.crowd) continue;
    detections.push_back({g.image_id, g.label, 1.0, g.box, g.mask, {}});
    most = std::max(most, ++objects[{g.image_id, g.label}]);
  }
  return coco_evaluate(truth, detections, {type, coco_max_dets(most)}).AP;
}

}  // namespace mr
