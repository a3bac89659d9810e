#include "data/coco/coco_lint.h"

#include <cmath>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "data/coco/box_kind.h"
#include "data/coco/coco_dataset.h"
#include "data/coco/coco_results.h"
#include "data/eval/coco_eval.h"
#include "data/image/stated_size.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

using Severity = LintProblem::Severity;

LintProblem told(const CocoProblem& p) {
  LintProblem out;
  out.severity = p.effect == CocoProblem::Effect::stops ? Severity::error : Severity::warning;
  out.record = p.record();
  out.image_id = p.section == "images" ? p.id : p.image_id;
  if (p.section == "annotations") out.annotation_id = p.id;
  out.field = p.field, out.text = p.text;
  if (p.effect == CocoProblem::Effect::object) out.text += "; training does without this object";
  if (p.effect == CocoProblem::Effect::part) out.text += "; masks are made without this part";
  return out;
}

std::string image_fault(const CocoImage& im, const CocoLintOptions& options) {
  const std::string path = options.images + "/" + im.file;
  try {
    check_image_header(path, {im.height, im.width});
    if (options.decode) read_image_of_size(path, {im.height, im.width});
    return {};
  } catch (const Error& e) {
    return e.what();
  }
}

void lint_images(const CocoFile& file, const CocoLintOptions& options, LintReport& report) {
  std::unordered_map<std::string, int64_t> names;
  for (const CocoImage& im : file.images)
    if (const auto [other, fresh] = names.emplace(im.file, im.id); !fresh)
      report.problems.push_back({Severity::warning,
                                 str("image ", im.id),
                                 im.id,
                                 {},
                                 "file_name",
                                 str("'", im.file, "' is that of image ", other->second, " too")});
  if (options.images.empty()) return;
  std::vector<std::string> faults(file.images.size());
  parallel_for(static_cast<int64_t>(faults.size()), 4,
               [&](int64_t i) { faults[static_cast<size_t>(i)] = image_fault(file.images[static_cast<size_t>(i)], options); });
  for (size_t i = 0; i < faults.size(); ++i)
    if (!faults[i].empty())
      report.problems.push_back({Severity::error, str("image ", file.images[i].id), file.images[i].id, {}, "file_name", faults[i]});
}

// Training clips them; evaluation does not.
void lint_boxes(const CocoFile& file, LintReport& report) {
  std::unordered_map<int64_t, const CocoImage*> images;
  for (const CocoImage& im : file.images) images[im.id] = &im;
  for (const CocoAnnotation& a : file.annotations) {
    const CocoImage& im = *images.at(a.image_id);
    const bool within = a.x >= -1 && a.y >= -1 && a.x + a.w <= im.width + 1 && a.y + a.h <= im.height + 1;
    if (a.faulty || within) continue;
    report.problems.push_back({Severity::warning, str("annotation ", a.id, " (image ", im.id, ")"), im.id, a.id, "bbox",
                               str("reaches outside its image of ", im.height, "x", im.width, ": [", a.x, ", ", a.y, ", ", a.w, ", ", a.h,
                                   "]; training clips it")});
  }
}

void self_check(const CocoFile& file, bool masks, LintReport& report) {
  const CocoGroundTruth truth = coco_ground_truth(file, masks);
  for (const CocoType type : {CocoType::bbox, CocoType::segm}) {
    if (type == CocoType::segm && !masks) continue;
    const double ap = coco_self_check(truth, type);
    if (ap < 0 || std::abs(ap - 1) < 1e-9) continue;  // below 0: no object at all
    report.problems.push_back({Severity::warning,
                               "",
                               {},
                               {},
                               type == CocoType::bbox ? "boxes" : "masks",
                               str("the ground truth, taken as detections, scores ", ap, " AP rather than 1")});
  }
}

}  // namespace

LintReport lint_coco(const std::string& annotations, const CocoLintOptions& options) {
  LintReport report;
  report.file = annotations;
  CocoFile file;
  const CocoReport hear = [&report](const CocoProblem& p) { report.problems.push_back(told(p)); };
  try {
    file = read_coco(annotations, {.masks = options.masks}, hear);
  } catch (const Error& e) {
    std::string what = e.what();  // begins with the file, which the report names
    if (what.starts_with(annotations + ": ")) what.erase(0, annotations.size() + 2);
    report.problems.push_back({Severity::error, "", {}, {}, "", what});
    return report;
  }
  report.images = static_cast<int64_t>(file.images.size());
  if (report.problems.empty()) {  // or else they may be gone as faulty
    if (file.annotations.empty()) report.problems.push_back({Severity::warning, "", {}, {}, "annotations", "there are none"});
    if (file.images.empty()) report.problems.push_back({Severity::error, "", {}, {}, "images", "there are none"});
  }
  if (const std::string kind = box_kind_fault(file); !kind.empty()) report.problems.push_back({Severity::error, "", {}, {}, "", kind});
  report.objects = static_cast<int64_t>(file.annotations.size());
  lint_boxes(file, report);
  lint_images(file, options, report);
  if (!file.categories.empty()) {
    LintReport rest = lint_dataset(CocoDataset(file, options.images, {.masks = options.masks}, hear), options.masks);
    std::move(rest.problems.begin(), rest.problems.end(), std::back_inserter(report.problems));
  }
  self_check(file, options.masks, report);
  return report;
}

}  // namespace mr
