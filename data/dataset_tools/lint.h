// What is wrong, or odd, with a data set: every problem, by image and annotation, rather than the first one.
//
//   errors      would stop training or evaluation, or spoil it in silence: a label outside 1 … K; a box that is not finite, has no area or
//               lies outside its image; a mask of another image size or reaching outside; an annotation id twice
//   warnings    worth a look: a box that reaches outside its image, or is not the box around its mask; an object without pixels; a stated
//               area far from the mask's; two objects of one class with one box; an annotation id of 0 (cocoapi counts it as a false
//               positive); classes without objects or of one name; images without objects
//
// Problems are told as they are found, in the order of the images. What is held meanwhile are the objects of a few images (a block of
// them, by all threads), without their masks but for one a thread, and the ids of the annotations.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/json_text.h"
#include "data/dataset.h"
#include "data/eval/coco_eval.h"

namespace mr {

struct LintProblem {
  enum class Severity : uint8_t { error, warning };
  Severity severity = Severity::error;
  std::string record;  // "annotation 5 (image 7)", "image 7", "category 3"; empty: the whole file
  std::optional<int64_t> image_id, annotation_id;
  std::string field, text;
};
using LintSink = std::function<void(const LintProblem&)>;

// What was found in all.
struct LintReport {
  std::string file;  // for messages; empty where there is none
  int64_t images = 0, objects = 0;
  std::vector<LintProblem> problems;  // without a sink: they are kept here

  explicit LintReport(std::string file_name = {}, LintSink sink = {}) : file(std::move(file_name)), sink_(std::move(sink)) {}
  void add(LintProblem problem);
  int64_t errors() const { return errors_; }
  int64_t warnings() const { return warnings_; }
  int exit_status() const { return errors_ > 0 ? 1 : 0; }

 private:
  LintSink sink_;
  int64_t errors_ = 0, warnings_ = 0;
};

// `masks`: look at the masks too.
LintReport lint_dataset(const Dataset& dataset, bool masks = true, LintSink sink = {});

// One image as it is looked at.
struct LintImage {
  ImageInfo info;
  std::vector<CocoObject> objects;  // without their masks
  std::vector<LintProblem> problems;
};
// Looks at an object, and at its mask where that has a size.
using LintObject = std::function<void(const CocoObject&)>;

// The checks of images, and of the classes over all of them, for whatever holds objects.
class ImagesLint {
 public:
  explicit ImagesLint(const Dataset& dataset) : dataset_(dataset), objects_(dataset.class_names().size()) {}
  // `read` reads image i of [0, the data set's size): its info, then each object, which is looked at before the next is made, so that one
  // mask at a time need be held. It is called from several threads at once.
  void run(const std::function<void(int64_t, LintImage&, const LintObject& look)>& read, LintReport& report);

 private:
  void count(const LintImage& image, LintReport& report);
  void lint_classes(LintReport& report) const;

  const Dataset& dataset_;
  std::vector<int64_t> objects_;  // of each class, crowds not counted
  std::unordered_set<int64_t> ids_;
  int64_t empty_images_ = 0;
};

// Writes a report as it comes: a line a problem, then a summary; or as JSON,
// {"file", "problems": [{"severity", "record", "image_id", "annotation_id", "field", "text"}, …], "errors", "warnings", "images", "annotations"}.
class LintPrinter {
 public:
  using Out = std::function<void(const std::string&)>;
  LintPrinter(std::string file, bool json, Out out);
  void problem(const LintProblem& p);
  void end(const LintReport& report);

 private:
  std::string file_;
  bool as_json_;
  Out out_;
  JsonWriter json_;
};

std::string to_text(const LintReport& report);  // of a report that kept its problems
std::string to_json(const LintReport& report);

}  // namespace mr
