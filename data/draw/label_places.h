// Where labels go in a picture: on free ground beside their objects, or nowhere.
//
// A label is a rectangle of whole pixels. It has a few dozen places, all of which touch its object's box: along the four edges
// outside, and in the corners inside. A place is allowed if it lies within the picture and on no other label, and if all labels
// together cover no more than `share` of any object: of its mask's pixels, or of its box's where it has no mask. Of the allowed
// places a label takes the one that covers the fewest pixels of objects, of equal ones the first; without one it is left out.
// The objects choose in their order. The same objects have the same places, whatever the machine.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "data/dataset.h"

namespace mr {

struct PixelBox {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // columns x0 … x1 − 1, rows y0 … y1 − 1
};

struct LabelledObject {
  Box box;                            // finite
  const CroppedMask* mask = nullptr;  // none, or an empty one: the whole box is to be seen
  PixelSize label;                    // 0 × 0: the object has none
};

// One place an object. Errors: a share that is not 0 … 1.
std::vector<std::optional<PixelBox>> place_labels(PixelSize picture, std::span<const LabelledObject> objects, double share = 0.1);

}  // namespace mr
