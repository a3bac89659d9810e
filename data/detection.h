// One object that a detector found, in pixels of the picture as it was given.
#pragma once

#include "geometry/box.h"
#include "geometry/mask.h"

namespace mr {

struct Detection {
  int label = 0;  // 1 … K
  float score = 0;
  Box box;
  CroppedMask mask;  // empty without a mask head
};

}  // namespace mr
