#include "data/dataset_tools/lint.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "geometry/rle.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

using Severity = LintProblem::Severity;

bool finite(const Box& b) { return std::isfinite(b.x1) && std::isfinite(b.y1) && std::isfinite(b.x2) && std::isfinite(b.y2); }

std::string text(const Box& b) { return str("[", b.x1, ", ", b.y1, ", ", b.x2, ", ", b.y2, "]"); }

// As training sees it.
Box box_of(const CocoBox& b) {
  return {static_cast<float>(b.x), static_cast<float>(b.y), static_cast<float>(b.x + b.w), static_cast<float>(b.y + b.h)};
}

LintProblem problem_of(const ImageInfo& info, int64_t annotation, Severity severity, const char* field, const std::string& what) {
  return {severity, str("annotation ", annotation, " (image ", info.image_id, ")"), info.image_id, annotation, field, what};
}

// The problems of one image.
class ImageLint {
 public:
  ImageLint(LintImage& image, int classes) : info_(image.info), problems_(image.problems), classes_(classes) {}

  void object(const CocoObject& o) {
    object_ = &o;
    box_ = box_of(o.box);
    label();
    if (box() && o.mask.height > 0 && mask()) agreement();
    if (o.id == 0) add(Severity::warning, "id", "is 0, which cocoapi counts as a false positive whenever it is found");
  }

 private:
  void add(Severity severity, const char* field, const std::string& what) {
    problems_.push_back(problem_of(info_, object_->id, severity, field, what));
  }

  void label() {
    if (object_->label < 1 || object_->label > classes_)
      add(Severity::error, "label", str("must be in 1 ... ", classes_, ", got ", object_->label));
  }

  // True if there is a box to compare a mask with.
  bool box() {
    const Box& b = box_;
    const auto W = static_cast<float>(info_.width), H = static_cast<float>(info_.height);
    if (!finite(b) || !(b.x2 > b.x1) || !(b.y2 > b.y1))
      return add(Severity::error, "box", "must be finite and have an area, got " + text(b)), false;
    if (b.x2 <= 0 || b.y2 <= 0 || b.x1 >= W || b.y1 >= H)
      return add(Severity::error, "box", str("lies outside its image of ", info_.height, "x", info_.width, ": ", text(b))), false;
    if (b.x1 < -1 || b.y1 < -1 || b.x2 > W + 1 || b.y2 > H + 1)
      add(Severity::warning, "box", str("reaches outside its image of ", info_.height, "x", info_.width, ": ", text(b)));
    if (!object_->crowd && !boxes_.insert({object_->label, b.x1, b.y1, b.x2, b.y2}).second)
      add(Severity::warning, "box", "is that of another object of the same class: " + text(b));
    return true;
  }

  // True if it has pixels.
  bool mask() {
    if (rle_area(object_->mask) > 0) return true;
    add(Severity::warning, "mask", "has no pixel: the object cannot be found");
    return false;
  }

  // Box and area against the mask's, beyond what rounding to pixels can do.
  void agreement() {
    const Box around = rle_box(object_->mask), &b = box_;
    const double off =
        std::max({std::abs(around.x1 - b.x1), std::abs(around.y1 - b.y1), std::abs(around.x2 - b.x2), std::abs(around.y2 - b.y2)});
    if (off > 3 + 0.05 * std::max(b.width(), b.height()))
      add(Severity::warning, "box", str("is ", off, " pixels off the box around its mask: ", text(b), ", ", text(around)));
    const auto pixels = static_cast<double>(rle_area(object_->mask));
    const double perimeter = 2 * (double{b.width()} + double{b.height()});
    if (std::abs(pixels - object_->area) > 0.2 * std::max(pixels, object_->area) + perimeter)
      add(Severity::warning, "area", str("is ", object_->area, ", but the mask has ", pixels, " pixels"));
  }

  const ImageInfo& info_;
  std::vector<LintProblem>& problems_;
  int classes_;
  const CocoObject* object_ = nullptr;
  Box box_;
  std::set<std::tuple<int, float, float, float, float>> boxes_;
};

// What keeps a mask from being one of its image; empty if nothing does.
std::string mask_fault(const CroppedMask& m, const ImageInfo& info) {
  const int64_t right = int64_t{m.x0} + m.bits.width, bottom = int64_t{m.y0} + m.bits.height;
  if (m.image_height != info.height || m.image_width != info.width)
    return str("must be of its image's size, ", info.height, "x", info.width, ", got ", m.image_height, "x", m.image_width);
  if (m.x0 < 0 || m.y0 < 0 || right > m.image_width || bottom > m.image_height)
    return str("reaches outside its image: rows ", m.y0, " ... ", bottom, ", columns ", m.x0, " ... ", right);
  return {};
}

void read_image_of(const Dataset& dataset, int64_t index, bool masks, LintImage& out, const LintObject& look) {
  out.info = dataset.info(index);
  for (const Instance& i : dataset.instances(index)) {
    CocoObject o;
    o.id = i.id, o.image_id = out.info.image_id, o.label = i.label;
    o.box = coco_box(i.box), o.area = i.area, o.crowd = i.crowd;
    const std::string fault = masks ? mask_fault(i.mask, out.info) : "";
    if (masks && fault.empty()) o.mask = rle_encode(i.mask);
    if (!fault.empty()) out.problems.push_back(problem_of(out.info, i.id, Severity::error, "mask", fault));
    look(o);
  }
}

}  // namespace

void LintReport::add(LintProblem problem) {
  ++(problem.severity == Severity::error ? errors_ : warnings_);
  if (sink_)
    sink_(problem);
  else
    problems.push_back(std::move(problem));
}

void ImagesLint::run(const std::function<void(int64_t, LintImage&, const LintObject&)>& read, LintReport& report) {
  constexpr int64_t block = 64;  // images held at a time
  const int64_t n = dataset_.size();
  const auto classes = static_cast<int>(objects_.size());
  for (int64_t begin = 0; begin < n; begin += block) {
    std::vector<LintImage> images(static_cast<size_t>(std::min(block, n - begin)));
    parallel_for(static_cast<int64_t>(images.size()), 1, [&](int64_t i) {
      LintImage& image = images[static_cast<size_t>(i)];
      ImageLint lint(image, classes);
      read(begin + i, image, [&](const CocoObject& o) {
        lint.object(o);
        image.objects.push_back({o.id, o.image_id, o.label, o.box, {}, o.area, o.crowd});
      });
    });
    for (LintImage& image : images) {
      for (LintProblem& p : image.problems) report.add(std::move(p));
      count(image, report);
    }
  }
  report.images = n;
  lint_classes(report);
  if (empty_images_ > 0) report.add({Severity::warning, "", {}, {}, "images", str(empty_images_, " of ", n, " have no object")});
}

void ImagesLint::count(const LintImage& image, LintReport& report) {
  bool any = false;
  for (const CocoObject& o : image.objects) {
    ++report.objects;
    if (!ids_.insert(o.id).second) report.add(problem_of(image.info, o.id, Severity::error, "id", "stands twice"));
    if (o.crowd) continue;
    any = true;
    if (o.label >= 1 && static_cast<size_t>(o.label) <= objects_.size()) ++objects_[static_cast<size_t>(o.label) - 1];
  }
  empty_images_ += !any;
}

void ImagesLint::lint_classes(LintReport& report) const {
  std::map<std::string, int64_t> seen;
  const std::vector<int64_t> ids = dataset_.category_ids();
  for (size_t k = 0; k < ids.size(); ++k) {
    const std::string& name = dataset_.class_names()[k];
    const std::string record = str("category ", ids[k]);
    if (const auto [other, fresh] = seen.emplace(name, ids[k]); !fresh)
      report.add({Severity::warning, record, {}, {}, "name", str("'", name, "' is that of category ", other->second, " too")});
    if (objects_[k] == 0) report.add({Severity::warning, record, {}, {}, "", str("'", name, "' has no object")});
  }
}

LintReport lint_dataset(const Dataset& dataset, bool masks, LintSink sink) {
  LintReport report({}, std::move(sink));
  ImagesLint(dataset).run([&](int64_t i, LintImage& image, const LintObject& look) { read_image_of(dataset, i, masks, image, look); },
                          report);
  return report;
}

LintPrinter::LintPrinter(std::string file, bool json, Out out) : file_(std::move(file)), as_json_(json), out_(std::move(out)) {
  if (as_json_) json_.object().field("file", file_).key("problems").array();
}

void LintPrinter::problem(const LintProblem& p) {
  const std::string severity = p.severity == Severity::error ? "error" : "warning";
  if (!as_json_) {
    std::string line = (file_.empty() ? "" : file_ + ": ") + severity + ": ";
    if (!p.record.empty()) line += p.record + ": ";
    if (!p.field.empty()) line += p.field + ": ";
    return out_(line + p.text + "\n");
  }
  json_.line(" ").object().field("severity", severity).field("record", p.record);
  if (p.image_id) json_.field("image_id", *p.image_id);
  if (p.annotation_id) json_.field("annotation_id", *p.annotation_id);
  json_.field("field", p.field).field("text", p.text).end();
  out_(json_.take());
}

void LintPrinter::end(const LintReport& report) {
  if (!as_json_)
    return out_(str(file_.empty() ? "" : file_ + ": ", counted(report.errors(), "error"), ", ", counted(report.warnings(), "warning"),
                    " in ", counted(report.images, "image"), " with ", counted(report.objects, "annotation"), "\n"));
  json_.end().field("errors", report.errors()).field("warnings", report.warnings());
  json_.field("images", report.images).field("annotations", report.objects).end();
  out_(json_.take() + "\n");
}

static std::string printed(const LintReport& report, bool json) {
  std::string out;
  LintPrinter printer(report.file, json, [&out](const std::string& piece) { out += piece; });
  for (const LintProblem& p : report.problems) printer.problem(p);
  printer.end(report);
  return out;
}
std::string to_text(const LintReport& report) { return printed(report, false); }
std::string to_json(const LintReport& report) { return printed(report, true); }

}  // namespace mr
