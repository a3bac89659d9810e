// What network a weights file is for, read from the names and shapes of its tensors.
//
//   Architecture a = recognise_architecture(open_weights("maskrcnn.pth"), {}, base);
//   a.model: base, with depth, widths and heads as the file has them
#pragma once

#include <string>
#include <vector>

#include "models/config.h"
#include "models/weights/names.h"

namespace mr {

struct Architecture {
  RCNNConfig model;
  Naming naming = Naming::torchvision;
  bool backbone = false;  // the file holds one that a model here can have
  bool detector = false;  // … and an RPN and heads, with or without a pyramid
  int64_t classes = 0;    // of its heads, without background; 0: it has none
  int64_t labels = 0;     // of a classifier's last layer (ImageNet's has 1000); 0: there is none
  std::string odd = {};   // what no model here has ("a detector with norms in the pyramid"); empty where all fits
};

// Errors: a rename that fits no name of the file.
Architecture recognise_architecture(const WeightFile& file, const std::vector<Rename>& renames, const RCNNConfig& base);

}  // namespace mr
