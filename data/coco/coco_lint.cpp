#include "data/coco/coco_lint.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "data/coco/box_kind.h"
#include "data/coco/coco_dataset.h"
#include "data/dataset_tools/stats.h"
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
  const auto tell = [&](const CocoImage& im, Severity severity, std::string text) {
    report.add({severity, str("image ", im.id), im.id, {}, "file_name", std::move(text)});
  };
  for (const CocoImage& im : file.images)
    if (const auto [other, fresh] = names.emplace(im.file, im.id); !fresh)
      tell(im, Severity::warning, str("'", im.file, "' is that of image ", other->second, " too"));
  if (options.images.empty()) return;
  constexpr size_t block = 256;  // images looked at before what was found is told
  for (size_t begin = 0; begin < file.images.size(); begin += block) {
    std::vector<std::string> faults(std::min(block, file.images.size() - begin));
    parallel_for(static_cast<int64_t>(faults.size()), 4, [&](int64_t i) {
      const auto k = static_cast<size_t>(i);
      faults[k] = image_fault(file.images[begin + k], options);
    });
    for (size_t k = 0; k < faults.size(); ++k)
      if (!faults[k].empty()) tell(file.images[begin + k], Severity::error, std::move(faults[k]));
  }
}

// Training clips them; evaluation does not.
void lint_boxes(const CocoFile& file, LintReport& report) {
  std::unordered_map<int64_t, const CocoImage*> images;
  for (const CocoImage& im : file.images) images[im.id] = &im;
  for (const CocoAnnotation& a : file.annotations) {
    const CocoImage& im = *images.at(a.image_id);
    const bool within = a.x >= -1 && a.y >= -1 && a.x + a.w <= im.width + 1 && a.y + a.h <= im.height + 1;
    if (a.faulty || within) continue;
    report.add({Severity::warning, str("annotation ", a.id, " (image ", im.id, ")"), im.id, a.id, "bbox",
                str("reaches outside its image of ", im.height, "x", im.width, ": [", a.x, ", ", a.y, ", ", a.w, ", ", a.h,
                    "]; training clips it")});
  }
}

// As training sees it.
CocoBox clipped(const CocoBox& b, const ImageInfo& im) {
  const double x1 = std::clamp(b.x, 0.0, static_cast<double>(im.width)), x2 = std::clamp(b.x + b.w, 0.0, static_cast<double>(im.width));
  const double y1 = std::clamp(b.y, 0.0, static_cast<double>(im.height)), y2 = std::clamp(b.y + b.h, 0.0, static_cast<double>(im.height));
  return {x1, y1, x2 - x1, y2 - y1};
}

// Image `index`, an object after the other. Looked at is what training sees of it; the self-checks get all objects as the file states them.
void read_objects(const CocoDataset& dataset, int64_t index, bool masks, CocoSelfCheck& boxes, CocoSelfCheck& outlines, LintImage& image,
                  const LintObject& look) {
  image.info = dataset.info(index);
  CocoSelfCheck::Image all_boxes, all_outlines;
  const std::vector<size_t>& places = dataset.annotations(index);
  std::vector<CocoObject> objects = dataset.truth(index, false);
  for (size_t k = 0; k < places.size(); ++k) {
    const CocoAnnotation& a = dataset.file().annotations[places[k]];
    CocoObject& o = objects[k];
    all_boxes.add(o);
    if (masks) o.mask = dataset.file().rle(a, image.info.height, image.info.width);
    if (masks) all_outlines.add(o);
    o.box = clipped(o.box, image.info);
    if (!a.faulty) look(o);
    o.mask = {};
  }
  if (masks) outlines.image(static_cast<size_t>(index), all_outlines);
  boxes.image(static_cast<size_t>(index), all_boxes);
}

void tell_self_check(const CocoSelfCheck& check, const char* what, LintReport& report) {
  const double ap = check.AP();
  if (ap < 0 || std::abs(ap - 1) < 1e-9) return;  // below 0: no object at all
  report.add({Severity::warning, "", {}, {}, what, str("the ground truth, taken as detections, scores ", ap, " AP rather than 1")});
}

void lint_objects(const CocoDataset& dataset, bool masks, LintReport& report) {
  const auto images = static_cast<size_t>(dataset.size());
  CocoSelfCheck boxes(dataset.class_names(), dataset.category_ids(), images, CocoType::bbox);
  CocoSelfCheck outlines(dataset.class_names(), dataset.category_ids(), masks ? images : 0, CocoType::segm);
  ImagesLint(dataset).run(
      [&](int64_t index, LintImage& image, const LintObject& look) { read_objects(dataset, index, masks, boxes, outlines, image, look); },
      report);
  tell_self_check(boxes, "boxes", report);
  tell_self_check(outlines, "masks", report);
  // Where records were refused, they may have been the objects.
  if (const std::string none = nothing_to_learn(dataset.object_counts()); report.errors() == 0 && !none.empty())
    report.add({Severity::error, "", {}, {}, "annotations", "hold no object to learn from: " + none});
}

}  // namespace

LintReport lint_coco(const std::string& annotations, const CocoLintOptions& options, LintSink sink) {
  LintReport report(annotations, std::move(sink));
  CocoFile file;
  const CocoReport hear = [&report](const CocoProblem& p) { report.add(told(p)); };
  try {
    file = read_coco(annotations, {.masks = options.masks}, hear);
  } catch (const Error& e) {
    std::string what = e.what();  // begins with the file, which the report names
    if (what.starts_with(annotations + ": ")) what.erase(0, annotations.size() + 2);
    report.add({Severity::error, "", {}, {}, "", what});
    return report;
  }
  report.images = static_cast<int64_t>(file.images.size());
  if (report.errors() == 0) {  // or else they may be gone as faulty
    if (file.images.empty()) report.add({Severity::error, "", {}, {}, "images", "there are none"});
    if (file.categories.empty()) report.add({Severity::error, "", {}, {}, "categories", "there are none"});
  }
  if (const std::string kind = box_kind_fault(file); !kind.empty()) report.add({Severity::error, "", {}, {}, "", kind});
  const auto objects = static_cast<int64_t>(file.annotations.size());
  lint_boxes(file, report);
  lint_images(file, options, report);
  if (!file.categories.empty())
    lint_objects(CocoDataset(std::move(file), options.images, {.masks = options.masks}, hear), options.masks, report);
  report.objects = objects;  // with those that training does without
  return report;
}

}  // namespace mr
