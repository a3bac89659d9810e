// The ground truth of a COCO file, and the figures of a results file against it.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "data/coco/coco_results.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// What the evaluator needs of the masks: those of objects that share image and class with a detection.
void add_masks(CocoGroundTruth& truth, const CocoFile& file, const std::vector<bool>* wanted) {
  std::unordered_map<int64_t, const CocoImage*> images;
  for (const CocoImage& im : file.images) images[im.id] = &im;
  parallel_for(static_cast<int64_t>(file.annotations.size()), 64, [&](int64_t index) {
    const auto k = static_cast<size_t>(index);
    if (wanted != nullptr && !(*wanted)[k]) return;
    const CocoAnnotation& a = file.annotations[k];
    const CocoImage& im = *images.at(a.image_id);
    truth.objects[k].mask = file.rle(a, im.height, im.width);
  });
}

struct ImageAndLabel {
  int64_t image;
  int label;
  bool operator==(const ImageAndLabel&) const = default;
};
struct HashImageAndLabel {
  size_t operator()(const ImageAndLabel& k) const { return std::hash<int64_t>()(k.image * 1000003 + k.label); }
};

// What two records of one id are about, where the images.json beside the results (as mrcnn predict writes it) and the ground truth mean
// different pictures by it. Folders do not count: the two are named from different places.
std::string different_picture(const CocoFile& truth, const std::string& results_path) {
  const std::filesystem::path list = std::filesystem::path(results_path).parent_path() / "images.json";
  std::error_code none;
  if (!std::filesystem::exists(list, none)) return {};
  std::unordered_map<int64_t, std::string> names;
  for (const CocoImage& im : truth.images) names[im.id] = std::filesystem::path(im.file).filename().string();
  const nlohmann::json pictures = nlohmann::json::parse(read_text_file(list.string()), nullptr, false);
  if (!pictures.is_array()) return {};  // some other program's
  for (const nlohmann::json& p : pictures) {
    if (!p.is_object() || !p.contains("id") || !p["id"].is_number_integer() || !p.contains("file_name") || !p["file_name"].is_string())
      return {};
    const auto same_id = names.find(p["id"].get<int64_t>());
    const std::string name = std::filesystem::path(p["file_name"].get<std::string>()).filename().string();
    if (same_id != names.end() && same_id->second != name)
      return str("image ", same_id->first, " is ", printable(name), " in ", list.string(), ", and ", printable(same_id->second), " in ",
                 truth.path);
  }
  return {};
}

}  // namespace

CocoGroundTruth coco_ground_truth(const CocoFile& file, bool masks) {
  CocoGroundTruth truth;
  std::vector<CocoCategory> categories = file.categories;
  std::sort(categories.begin(), categories.end(), [](const CocoCategory& a, const CocoCategory& b) { return a.id < b.id; });
  std::unordered_map<int64_t, int> labels;
  for (const CocoCategory& c : categories) {
    truth.class_names.push_back(c.name);
    truth.category_ids.push_back(c.id);
    labels[c.id] = static_cast<int>(truth.category_ids.size());
  }
  for (const CocoImage& im : file.images) truth.image_ids.push_back(im.id);
  truth.objects.reserve(file.annotations.size());
  for (const CocoAnnotation& a : file.annotations)
    truth.objects.push_back({a.id, a.image_id, labels.at(a.category_id), {a.x, a.y, a.w, a.h}, {}, a.area, a.crowd});
  if (masks) add_masks(truth, file, nullptr);
  return truth;
}

CocoEvalFiles coco_eval_files(const std::string& truth_path, const std::string& results_path, CocoType type, int max_dets) {
  check(max_dets >= 1, "coco_eval_files: max_dets must be at least 1, got ", max_dets);
  const bool masks = type == CocoType::segm;
  CocoEvalFiles out;
  const auto hear = [&out](const CocoProblem& p) { out.faulty += p.effect == CocoProblem::Effect::object; };
  CocoFile file;
  std::string results_text;
  parallel_for(2, 1, [&](int64_t i) {
    if (i == 0)
      file = read_coco(truth_path, {.masks = masks, .pictures = false, .left_out = hear});
    else
      results_text = read_text_file(results_path);
  });
  CocoGroundTruth truth = coco_ground_truth(file, false);
  CocoImageSizes images;
  for (const CocoImage& im : file.images) images[im.id] = {im.height, im.width};
  const CocoResults results = parse_coco_results(results_text, results_path, truth.category_ids, type, images);

  std::unordered_map<ImageAndLabel, bool, HashImageAndLabel> found;
  for (size_t k = 0; k < results.detections.size(); ++k) {
    const CocoDetection& d = results.detections[k];
    const auto im = images.find(d.image_id);
    check(im != images.end(), results_path, ": a result names image ", d.image_id, ", which ", truth_path, " lacks",
          "; mrcnn predict numbers pictures 1, 2, 3, …, and takes the ids of a file with --annotations ", shell_word(truth_path));
    check(!masks || (d.mask.height == im->second.height && d.mask.width == im->second.width), results_path, ": a result of image ",
          d.image_id, ": segmentation.size: must be the image's, ", im->second.height, "x", im->second.width, ", got ", d.mask.height, "x",
          d.mask.width);
    found[{d.image_id, d.label}] = true;
  }
  if (masks) {
    std::vector<bool> wanted(truth.objects.size());
    for (size_t k = 0; k < truth.objects.size(); ++k) wanted[k] = found.contains({truth.objects[k].image_id, truth.objects[k].label});
    add_masks(truth, file, &wanted);
  }
  out.figures = coco_evaluate(truth, results.detections, {type, coco_max_dets(max_dets)});
  out.images = static_cast<int64_t>(truth.image_ids.size());
  out.objects = static_cast<int64_t>(truth.objects.size());
  out.detections = static_cast<int64_t>(results.detections.size());
  out.other_category = results.other_category;
  out.boxes_as_masks = results.boxes_as_masks;
  out.different_picture = different_picture(file, results_path);
  for (const CocoObject& g : truth.objects) out.id_zero |= g.id == 0;
  return out;
}

}  // namespace mr
