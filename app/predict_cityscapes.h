// What `mrcnn predict --format cityscapes` writes: result files for Cityscapes' evaluation server
// (data/cityscapes/results.h).
//
//   OUT/<city>_<seq6>_<frame6>.txt, OUT/masks/<city>_<seq6>_<frame6>_<n>.png
//
// errors: a picture whose name is none of Cityscapes'; two of one name; a model without masks, or
// that knows none of the classes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/cityscapes/results.h"
#include "train/detector.h"

namespace mr::app {

class CityscapesOutput {
 public:
  CityscapesOutput(const std::string& folder, const std::vector<std::filesystem::path>& pictures);

  // Cityscapes' ids of the model's classes, by their names. Returns what to tell the user, or
  // nothing.
  std::string number_classes(const Detector& detector);

  std::vector<std::string> earlier_files() const;  // that an earlier run left for these pictures
  void write(const FoundObjects& found, const std::filesystem::path& picture, PixelSize size) const;

 private:
  CityscapesResultWriter writer_;
  std::vector<std::string> names_;
  std::vector<int> labels_;  // of the model's label l: labels_[l − 1]; −1: none
};

}  // namespace mr::app
