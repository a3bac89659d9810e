#include "data/dataset_tools/lint.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>

#include "base/check.h"
#include "base/json_text.h"
#include "data/dataset.h"
#include "geometry/rle.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

using Severity = LintProblem::Severity;

bool finite(const Box& b) { return std::isfinite(b.x1) && std::isfinite(b.y1) && std::isfinite(b.x2) && std::isfinite(b.y2); }

std::string text(const Box& b) { return str("[", b.x1, ", ", b.y1, ", ", b.x2, ", ", b.y2, "]"); }

// The problems of one image.
class ImageLint {
 public:
  ImageLint(const ImageInfo& info, int classes, bool masks) : info_(info), classes_(classes), masks_(masks) {}

  std::vector<LintProblem> run(const std::vector<Instance>& objects) {
    for (const Instance& o : objects) {
      object_ = &o;
      label();
      if (box() && masks_ && mask()) agreement();
      if (o.id == 0) add(Severity::warning, "id", "is 0, which cocoapi counts as a false positive whenever it is found");
    }
    return std::move(problems_);
  }

 private:
  void add(Severity severity, const char* field, const std::string& what) {
    problems_.push_back(
        {severity, str("annotation ", object_->id, " (image ", info_.image_id, ")"), info_.image_id, object_->id, field, what});
  }

  void label() {
    if (object_->label < 1 || object_->label > classes_)
      add(Severity::error, "label", str("must be in 1 ... ", classes_, ", got ", object_->label));
  }

  // True if there is a box to compare a mask with.
  bool box() {
    const Box& b = object_->box;
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
    const CroppedMask& m = object_->mask;
    const int64_t right = int64_t{m.x0} + m.bits.width, bottom = int64_t{m.y0} + m.bits.height;
    if (m.image_height != info_.height || m.image_width != info_.width)
      return add(Severity::error, "mask",
                 str("must be of its image's size, ", info_.height, "x", info_.width, ", got ", m.image_height, "x", m.image_width)),
             false;
    if (m.x0 < 0 || m.y0 < 0 || right > m.image_width || bottom > m.image_height)
      return add(Severity::error, "mask",
                 str("reaches outside its image: rows ", m.y0, " ... ", bottom, ", columns ", m.x0, " ... ", right)),
             false;
    if (std::any_of(m.bits.pixels.begin(), m.bits.pixels.end(), [](uint8_t p) { return p != 0; })) return true;
    add(Severity::warning, "mask", "has no pixel: the object cannot be found");
    return false;
  }

  // Box and area against the mask's, beyond what rounding to pixels can do.
  void agreement() {
    const Rle runs = rle_encode(object_->mask);
    const Box around = rle_box(runs), &b = object_->box;
    const double off =
        std::max({std::abs(around.x1 - b.x1), std::abs(around.y1 - b.y1), std::abs(around.x2 - b.x2), std::abs(around.y2 - b.y2)});
    if (off > 3 + 0.05 * std::max(b.width(), b.height()))
      add(Severity::warning, "box", str("is ", off, " pixels off the box around its mask: ", text(b), ", ", text(around)));
    const auto pixels = static_cast<double>(rle_area(runs));
    const double perimeter = 2 * (double{b.width()} + double{b.height()});
    if (std::abs(pixels - object_->area) > 0.2 * std::max(pixels, object_->area) + perimeter)
      add(Severity::warning, "area", str("is ", object_->area, ", but the mask has ", pixels, " pixels"));
  }

  ImageInfo info_;
  int classes_;
  bool masks_;
  const Instance* object_ = nullptr;
  std::set<std::tuple<int, float, float, float, float>> boxes_;
  std::vector<LintProblem> problems_;
};

void lint_classes(const Dataset& dataset, const std::vector<int64_t>& objects, LintReport& report) {
  std::map<std::string, int64_t> seen;
  const std::vector<int64_t> ids = dataset.category_ids();
  for (size_t k = 0; k < ids.size(); ++k) {
    const std::string& name = dataset.class_names()[k];
    const std::string record = str("category ", ids[k]);
    if (const auto [other, fresh] = seen.emplace(name, ids[k]); !fresh)
      report.problems.push_back(
          {Severity::warning, record, {}, {}, "name", str("'", name, "' is that of category ", other->second, " too")});
    if (objects[k] == 0) report.problems.push_back({Severity::warning, record, {}, {}, "", str("'", name, "' has no object")});
  }
}

}  // namespace

int64_t LintReport::errors() const {
  return std::count_if(problems.begin(), problems.end(), [](const LintProblem& p) { return p.severity == Severity::error; });
}
int64_t LintReport::warnings() const { return static_cast<int64_t>(problems.size()) - errors(); }

LintReport lint_dataset(const Dataset& dataset, bool masks) {
  const int64_t n = dataset.size();
  const auto classes = static_cast<int>(dataset.class_names().size());
  struct PerImage {
    std::vector<LintProblem> problems;
    std::vector<int64_t> ids;
    std::vector<int> labels;
    int64_t image_id = 0;
  };
  std::vector<PerImage> images(static_cast<size_t>(n));
  parallel_for(n, 8, [&](int64_t i) {
    PerImage& one = images[static_cast<size_t>(i)];
    const ImageInfo info = dataset.info(i);
    const std::vector<Instance> objects = dataset.instances(i);
    one.image_id = info.image_id;
    one.problems = ImageLint(info, classes, masks).run(objects);
    for (const Instance& o : objects) {
      one.ids.push_back(o.id);
      if (!o.crowd) one.labels.push_back(o.label);
    }
  });

  LintReport report;
  report.images = n;
  std::vector<int64_t> of_class(static_cast<size_t>(classes));
  std::unordered_set<int64_t> ids;
  int64_t empty = 0;
  for (PerImage& one : images) {
    std::move(one.problems.begin(), one.problems.end(), std::back_inserter(report.problems));
    for (const int64_t id : one.ids)
      if (!ids.insert(id).second)
        report.problems.push_back(
            {Severity::error, str("annotation ", id, " (image ", one.image_id, ")"), one.image_id, id, "id", "stands twice"});
    for (const int label : one.labels)
      if (label >= 1 && label <= classes) ++of_class[static_cast<size_t>(label) - 1];
    report.objects += static_cast<int64_t>(one.ids.size());
    empty += one.labels.empty();
  }
  lint_classes(dataset, of_class, report);
  if (empty > 0) report.problems.push_back({Severity::warning, "", {}, {}, "images", str(empty, " of ", n, " have no object")});
  return report;
}

std::string to_text(const LintReport& report) {
  std::string out;
  const std::string file = report.file.empty() ? "" : report.file + ": ";
  for (const LintProblem& p : report.problems) {
    out += file + (p.severity == Severity::error ? "error: " : "warning: ");
    if (!p.record.empty()) out += p.record + ": ";
    if (!p.field.empty()) out += p.field + ": ";
    out += p.text + "\n";
  }
  return out + file +
         str(report.errors(), " errors, ", report.warnings(), " warnings in ", report.images, " images with ", report.objects,
             " annotations\n");
}

std::string to_json(const LintReport& report) {
  std::string out = "{\"file\": " + json_string(report.file);
  out += str(", \"errors\": ", report.errors(), ", \"warnings\": ", report.warnings(), ", \"images\": ", report.images,
             ", \"annotations\": ", report.objects, ", \"problems\": [");
  for (const LintProblem& p : report.problems) {
    if (&p != report.problems.data()) out += ",";
    out += str("\n {\"severity\": ", p.severity == Severity::error ? "\"error\"" : "\"warning\"", ", \"record\": ", json_string(p.record));
    if (p.image_id) out += str(", \"image_id\": ", *p.image_id);
    if (p.annotation_id) out += str(", \"annotation_id\": ", *p.annotation_id);
    out += ", \"field\": " + json_string(p.field) + ", \"text\": " + json_string(p.text) + "}";
  }
  return out + "]}";
}

}  // namespace mr
