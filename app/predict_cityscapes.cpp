#include "app/predict_cityscapes.h"

#include <set>

#include "base/check.h"
#include "data/cityscapes/folders.h"
#include "data/cityscapes/labels.h"
#include "tensor/parallel.h"

namespace mr::app {
namespace {

namespace fs = std::filesystem;

std::string name_of(const fs::path& picture) {
  const std::string name = cityscapes_name(picture.filename().string());
  check(!name.empty(), "--format cityscapes: ", picture.string(),
        ": expected a picture of Cityscapes, CITY_123456_123456_leftImg8bit.png, by whose name the server finds its results");
  return name;
}

}  // namespace

CityscapesOutput::CityscapesOutput(const std::string& folder, const std::vector<fs::path>& pictures) : writer_(folder) {
  std::set<std::string> taken;
  for (const fs::path& picture : pictures) {
    names_.push_back(name_of(picture));
    check(taken.insert(names_.back()).second, "--format cityscapes: two pictures have the name ", names_.back(),
          ", which can have one result file: ", picture.string(), " is the second");
  }
}

std::string CityscapesOutput::number_classes(const Detector& detector) {
  check(detector.system->traits().masks, "--format cityscapes: needs masks, but the model has no mask head");
  std::string others;
  bool any = false;
  for (const std::string& name : detector.classes.names) {
    const int label = cityscapes_label_id(name);
    const bool evaluated = cityscapes_class(label) >= 0;
    labels_.push_back(evaluated ? label : -1);
    any = any || evaluated;
    if (!evaluated && !name.empty()) others += str(others.empty() ? "" : ", ", name);
  }
  check(any, "--format cityscapes: the model knows none of the classes person, rider, car, truck, bus, train, motorcycle, bicycle, only ",
        others);
  return others.empty() ? "" : str("the results are without classes that Cityscapes does not evaluate: ", others);
}

std::vector<std::string> CityscapesOutput::earlier_files() const {
  std::vector<std::string> files;
  for (const std::string& name : names_)
    for (std::string& file : writer_.files_of(name)) files.push_back(std::move(file));
  return files;
}

void CityscapesOutput::write(const FoundObjects& found, const fs::path& picture, PixelSize size) const {
  std::vector<size_t> kept;
  for (size_t k = 0; k < found.objects.size(); ++k)
    if (labels_.at(static_cast<size_t>(found.objects[k].label) - 1) >= 0) kept.push_back(k);
  std::vector<CityscapesPrediction> predictions(kept.size());
  parallel_for(static_cast<int64_t>(kept.size()), 4, [&](int64_t i) {
    const size_t k = kept[static_cast<size_t>(i)];
    const Detection& d = found.objects[k];
    predictions[static_cast<size_t>(i)] = {labels_[static_cast<size_t>(d.label) - 1], d.score, rle_crop(found.rle(k, size))};
  });
  writer_.image(name_of(picture), predictions);
}

}  // namespace mr::app
