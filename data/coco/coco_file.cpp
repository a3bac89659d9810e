#include "data/coco/coco_file.h"

#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "data/coco/coco_parser.h"
#include "data/convert/recognise.h"

namespace mr {

std::string CocoProblem::record() const {
  const std::string singular = section == "images" ? "image" : section == "categories" ? "category" : "annotation";
  std::string out = section.empty() ? "" : id ? str(singular, " ", *id) : str(section, "[", index, "]");
  if (image_id && section == "annotations") out += str(" (image ", *image_id, ")");
  return out;
}

std::string CocoProblem::line() const {
  std::string out = record();
  if (!field.empty()) out += (out.empty() ? "" : ": ") + field;
  return out.empty() ? text : out + ": " + text;
}

namespace {

// Counts the problems that make a file unusable, and keeps the first.
struct Refusal {
  CocoReadOptions options;
  int64_t count = 0;
  CocoProblem first;

  void hear(const CocoProblem& p) {
    const bool can_go = p.effect != CocoProblem::Effect::stops;
    if (can_go && options.left_out) options.left_out(p);
    if (can_go && options.faulty == FaultyObjects::drop) return;
    if (count == 0 || (first.effect != CocoProblem::Effect::stops && p.effect == CocoProblem::Effect::stops)) first = p;
    ++count;
  }
  std::string text() const {
    std::string out = first.line();
    if (count > 1)
      out += str("; and ", count - 1, count > 2 ? " more such faults" : " more such fault", " (mrcnn dataset lint lists them)");
    if (first.effect != CocoProblem::Effect::stops) out += "; data.faulty = \"drop\" leaves such objects out";
    return out;
  }
};

}  // namespace

CocoFile parse_coco(const std::string& text, const std::string& name, const CocoReadOptions& options, CocoReport report) {
  if (report) return CocoParser(text, name, options, std::move(report)).parse();
  Refusal refusal{options, 0, {}};
  CocoFile file = CocoParser(text, name, options, [&refusal](const CocoProblem& p) { refusal.hear(p); }).parse();
  if (refusal.count > 0) fail(name, ": ", refusal.text());
  return file;
}

// A file of another kind is named as what it is, rather than by what it lacks.
CocoFile read_coco(const std::string& path, const CocoReadOptions& options, CocoReport report) {
  const auto name_other_kinds = [&path] {
    if (const std::string other = foreign_annotations(path); !other.empty()) fail(path, ": ", other);
  };
  if (report)
    report = [&name_other_kinds, report = std::move(report)](const CocoProblem& p) {
      if (p.section.empty()) name_other_kinds();
      report(p);
    };
  try {
    return parse_coco(read_text_file(path), path, options, std::move(report));
  } catch (const Error&) {
    name_other_kinds();
    throw;
  }
}

size_t CocoFile::first_coordinate(const CocoAnnotation& a) const { return a.first == 0 ? 0 : polygon_ends_[a.first - 1]; }

std::vector<std::vector<double>> CocoFile::polygons(const CocoAnnotation& a) const {
  std::vector<std::vector<double>> out;
  if (a.mask != CocoAnnotation::Mask::polygons) return out;
  size_t begin = first_coordinate(a);
  for (uint64_t k = a.first; k < a.first + a.count; ++k) {
    out.emplace_back(coordinates_.begin() + static_cast<ptrdiff_t>(begin), coordinates_.begin() + static_cast<ptrdiff_t>(polygon_ends_[k]));
    begin = polygon_ends_[k];
  }
  return out;
}

Rle CocoFile::rle(const CocoAnnotation& a, int height, int width) const {
  if (a.mask == CocoAnnotation::Mask::rle) return rle_from_string(std::string_view(runs_).substr(a.first, a.count), a.height, a.width);
  return rasterise_parts(coordinates_, first_coordinate(a), std::span(polygon_ends_).subspan(a.first, a.count), height, width);
}

}  // namespace mr
