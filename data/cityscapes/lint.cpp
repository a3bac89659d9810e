#include "data/cityscapes/lint.h"

#include <utility>

#include "base/check.h"
#include "data/eval/coco_eval.h"
#include "data/image/stated_size.h"

namespace mr {
namespace {

using Severity = LintProblem::Severity;

LintProblem of_split(Severity severity, const std::string& split, const std::string& text) {
  return {severity, split.empty() ? "" : str("split ", split), {}, {}, "", text};
}

std::vector<CityscapesSplit> splits_of(const std::string& root, const CityscapesOptions& options, LintReport& report) {
  std::vector<CityscapesSplit> splits;
  for (const std::string& name : options.splits) {
    try {
      splits.push_back(cityscapes_split(root, name, options.coarse, options.source));
    } catch (const Error& e) {
      report.add(of_split(Severity::error, name, e.what()));
      continue;
    }
    for (const CityscapesUnpaired& one : splits.back().unpaired)
      report.add(of_split(Severity::error, name, str("there is ", one.there, ", but not ", one.missing)));
  }
  return splits;
}

void read_image_of(const CityscapesDataset& dataset, int64_t index, bool decode, LintImage& image, const LintObject& look) {
  const CityscapesFrame& frame = dataset.frame(index);
  image.info = {index + 1, 0, 0, frame.image};
  const auto wrong = [&](const char* field, const Error& e) {
    image.problems.push_back({Severity::error, str("image ", index + 1, " (", frame.name, ")"), index + 1, {}, field, e.what()});
  };
  try {
    image.info = dataset.info(index);
    for (const CocoObject& o : dataset.truth(index, true)) look(o);
  } catch (const Error& e) {
    return wrong("truth", e);
  }
  try {
    const PixelSize size{image.info.height, image.info.width};
    check_image_header(frame.image, size);
    if (decode) read_image_of_size(frame.image, size);
  } catch (const Error& e) {
    wrong("image", e);
  }
}

}  // namespace

LintReport lint_cityscapes(const std::string& root, const CityscapesOptions& options, bool decode, LintSink sink) {
  LintReport report(root, std::move(sink));
  std::vector<CityscapesSplit> splits = splits_of(root, options, report);
  if (splits.empty()) return report;
  CityscapesOptions found = options;
  found.keep_empty = true;
  found.splits.clear();
  for (const CityscapesSplit& s : splits) found.splits.push_back(s.name);
  const CityscapesDataset dataset(std::move(splits), found);
  for (const std::string& note : dataset.notes()) report.add(of_split(Severity::warning, "", note));
  ImagesLint(dataset).run(
      [&](int64_t index, LintImage& image, const LintObject& look) { read_image_of(dataset, index, decode, image, look); }, report);
  if (report.errors() == 0 && report.objects == 0) report.add(of_split(Severity::error, "", "holds no object to learn from"));
  return report;
}

}  // namespace mr
