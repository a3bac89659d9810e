#include "data/folders/lint.h"

#include <utility>

#include "base/check.h"
#include "data/eval/coco_eval.h"
#include "data/folders/folder_dataset.h"
#include "data/image/image.h"

namespace mr {
namespace {

using Severity = LintProblem::Severity;

void read_picture_of(const FolderDataset& dataset, int64_t index, bool decode, LintImage& image, const LintObject& look) {
  image.info = dataset.info(index);
  try {
    if (decode)
      read_image(image.info.file);
    else
      image_size(image.info.file);
  } catch (const Error& e) {
    image.problems.push_back({Severity::error, str("image ", image.info.image_id), image.info.image_id, {}, "image", e.what()});
  }
  for (const CocoObject& o : dataset.truth(index, false)) look(o);
}

}  // namespace

LintReport lint_folders(const std::string& folder, const std::vector<std::string>& wanted, bool decode, LintSink sink) {
  LintReport report(folder, std::move(sink));
  const FolderDataset dataset(folder, wanted);
  for (const std::string& note : dataset.notes()) report.add({Severity::warning, "", {}, {}, "", note});
  ImagesLint(dataset).run(
      [&](int64_t index, LintImage& image, const LintObject& look) { read_picture_of(dataset, index, decode, image, look); }, report);
  return report;
}

}  // namespace mr
