// What --annotations tells `mrcnn predict`: under which ids the results stand, and of which pixels (upright or as stored), so that coco-eval
// can compare them with the same file.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/coco/coco_file.h"
#include "data/coco/coco_results.h"
#include "data/image/image.h"
#include "train/classes.h"

namespace mr::app {

struct AnnotatedImage {
  int64_t id = 0;
  std::optional<PixelSize> stated;  // by the annotations: which pixels they mean (data/image/stated_size.h)
};

class PredictAnnotations {
 public:
  explicit PredictAnnotations(const std::string& path);  // empty: there are none

  // By file name, and by the folders before it where several images share one; without annotations 1, 2, 3, … Errors: no image of that name,
  // or several.
  AnnotatedImage image(const std::filesystem::path& file);

  // Writes the classes' ids as the annotations have them (match_classes), and takes out results that would count for another class there.
  // Returns what to tell the user, or nothing. Errors: a class name that is ambiguous.
  std::string number_classes(const Classes& model);
  const std::vector<int64_t>& class_ids() const { return ids_.ids; }
  bool leaves_out(int label) const;

 private:
  std::string path_;
  std::multimap<std::string, CocoImage> by_name_;
  Classes classes_;
  ResultIds ids_;
  int64_t last_ = 0;
};

}  // namespace mr::app
