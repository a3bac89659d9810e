// What is wrong, or odd, with a data set: every problem, by image and annotation, rather than the first one.
//
//   errors      would stop training or evaluation, or spoil it in silence: a label outside 1 … K; a box that is not finite, has no area or
//               lies outside its image; a mask of another image size or reaching outside; an annotation id twice
//   warnings    worth a look: a box that reaches outside its image, or is not the box around its mask; an object without pixels; a stated
//               area far from the mask's; two objects of one class with one box; an annotation id of 0 (cocoapi counts it as a false
//               positive); classes without objects or of one name; images without objects
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mr {

class Dataset;

struct LintProblem {
  enum class Severity : uint8_t { error, warning };
  Severity severity = Severity::error;
  std::string record;  // "annotation 5 (image 7)", "image 7", "category 3"; empty: the whole file
  std::optional<int64_t> image_id, annotation_id;
  std::string field, text;
};

struct LintReport {
  std::string file;  // for messages; empty where there is none
  int64_t images = 0, objects = 0;
  std::vector<LintProblem> problems;

  int64_t errors() const;
  int64_t warnings() const;
  int exit_status() const { return errors() > 0 ? 1 : 0; }
};

// `masks`: look at the masks too.
LintReport lint_dataset(const Dataset& dataset, bool masks = true);

std::string to_text(const LintReport& report);  // a line a problem, then a summary
std::string to_json(const LintReport& report);

}  // namespace mr
