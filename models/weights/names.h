// The names under which one and the same parameter has been published.
//
// A file's name becomes the model's in four steps:
//   1. the user's renames: a prefix FROM is replaced by TO;
//   2. wrappers come off, whether or not every name has them: "module." (DataParallel, averaged models), "model." (Lightning),
//      "_orig_mod." (torch.compile), "ema.", alone or nested; "_orig_mod." and its like also in the middle of a name;
//   3. detectron2's and Detectron's words become torchvision's (detectron.h);
//   4. a plain ResNet's names get "backbone.body." (a detector's lose it where the model is a classifier),
//      and torchvision's older forms today's.
#pragma once

#include <string>
#include <vector>

#include "models/parameters.h"
#include "models/weights/weight_file.h"

namespace mr {

struct Rename {
  std::string from, to;  // prefixes; from may be empty: to is put before every name
};
Rename parse_rename(const std::string& text);  // "FROM=TO". Errors: no "=".

enum class Naming : uint8_t { torchvision, detectron2, detectron };

// A tensor of a file, under the name that it has in the model.
struct Candidate {
  NamedTensor tensor;    // name: in the model's words; empty: known to be of no use
  std::string original;  // its name in the file
  std::string wrapper;   // what came off its front
  bool renamed = false;  // by the user
};

struct NamedTensors {
  Naming naming = Naming::torchvision;
  std::vector<Candidate> candidates;
};

// Errors: a rename that fits no name of the file.
// norm_epsilon: ε of the model's norms, for weights whose norms have no variance (detectron.h).
NamedTensors name_tensors(const WeightFile& file, const std::vector<Rename>& renames, const Parameters& parameters, double norm_epsilon);

// "--rename FROM=TO" for the prefix that would make the most of these names the model's, with how
// many; empty where none does for three or more.
std::string suggest_rename(const std::vector<NamedTensor>& tensors, const Parameters& parameters);

}  // namespace mr
