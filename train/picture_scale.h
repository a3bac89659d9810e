// At what scale the network sees pictures: in training as the augmentation draws it, in prediction
// as the preprocessing says. These are settings of their own, and what was learnt at one size is
// not found at another.
//
//   scale    pixels that the network sees for one of the file
#pragma once

#include <string>

#include "data/dataset.h"
#include "train/recipe.h"

namespace mr {

struct PictureScale {
  double least = 1, most = 1;  // of training
  double prediction = 1;
};
PictureScale picture_scale(const Recipe& recipe, PixelSize picture);

// What to warn of where prediction is outside of what training draws, by a quarter and for most
// pictures; empty: nothing.
std::string scale_fault(const Recipe& recipe, const Dataset& pictures);

}  // namespace mr
