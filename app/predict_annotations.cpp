#include "app/predict_annotations.h"

#include <algorithm>

#include "base/check.h"

namespace mr::app {
namespace {

namespace fs = std::filesystem;

// Whether the path `whole` ends with the names of `end`.
bool ends_with(const fs::path& whole, const fs::path& end) {
  auto w = whole.end(), e = end.end();
  while (e != end.begin()) {
    if (w == whole.begin() || *--w != *--e) return false;
  }
  return true;
}

}  // namespace

PredictAnnotations::PredictAnnotations(const std::string& path) : path_(path) {
  if (path.empty()) return;
  const CocoFile file = read_coco(path, {.masks = false});
  for (const CocoImage& i : file.images) by_name_.emplace(fs::path(i.file).filename().string(), i);
  for (const CocoCategory& c : file.categories) {
    classes_.names.push_back(c.name);
    classes_.ids.push_back(c.id);
  }
}

AnnotatedImage PredictAnnotations::image(const fs::path& file) {
  if (path_.empty()) return {++last_, {}};
  const auto annotated = [](const CocoImage& i) { return AnnotatedImage{i.id, PixelSize{i.height, i.width}}; };
  const auto [first, last] = by_name_.equal_range(file.filename().string());
  check(first != last, path_, ": images: none has the file name ", file.filename().string());
  if (std::next(first) == last) return annotated(first->second);
  const fs::path whole = fs::absolute(file).lexically_normal();
  const auto fits = [&whole](const auto& entry) { return ends_with(whole, fs::path(entry.second.file).lexically_normal()); };
  const auto fitting = std::count_if(first, last, fits);
  check(fitting == 1, path_, ": images: expected one whose file_name is the end of ", whole.string(), ", got ", fitting, " of the ",
        std::distance(first, last), " with the file name ", file.filename().string());
  return annotated(std::find_if(first, last, fits)->second);
}

std::string PredictAnnotations::number_classes(const Classes& model) {
  ids_ = {model.ids, {}};
  if (path_.empty()) return {};
  ids_ = result_ids(model, classes_, path_);
  std::string names;
  for (const int label : ids_.left_out) names += (names.empty() ? "" : ", ") + model.names[static_cast<size_t>(label) - 1];
  if (names.empty()) return {};
  return str("the results are without the classes ", names, ": their ids are those of other classes in ", path_);
}

bool PredictAnnotations::leaves_out(int label) const {
  return std::find(ids_.left_out.begin(), ids_.left_out.end(), label) != ids_.left_out.end();
}

}  // namespace mr::app
