// The names under which one and the same parameter has been published.
#pragma once

#include <string>
#include <vector>

#include "models/weights/weight_file.h"

namespace mr {

// What a file's tensor is called in the model; empty: known to be of no use there.
struct NameMap {
  std::string prefix;         // put before a name
  bool strip_module = false;  // DataParallel's "module."
  bool plain_resnet = false;  // a classifier: fc.* is of no use
  std::string operator()(const std::string& name) const;
};

// Looks at all names of a file: are they a plain ResNet's, do all start with "module."?
NameMap recognise_names(const WeightFile& file, const std::string& prefix);

}  // namespace mr
