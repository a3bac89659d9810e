// Which object each box (anchor or proposal) is trained on (Ren et al. 2015, section 3.1.2).
//
// For a box, m is its largest IoU over the objects and g the object that gives it
// (the first of equals):
//     m ≥ high → g        low ≤ m < high → between: trained on nothing        m < low → background
// keep_best: for every object, all the boxes whose IoU with it equals the object's own maximum
// (ties included) are matched too, so that no object goes unlearnt; such a box keeps its own g,
// which may be another object. An object that touches no box has maximum 0 and promotes none
// (without that condition it would promote every box that does not touch it).
//
// IoU in f32 with the operations in torchvision's order, so that ties are the same ties. No [G, B]
// matrix is built.
#pragma once

#include "ops/boxes/lists.h"

namespace mr {

struct Match {
  static constexpr int32_t background = -1, between = -2;  // a box that is not there is between, too
};

// objects with room for G, boxes [N,B,4] of which count [N] are there (undefined: all), or boxes
// [B,4] that all images share → [N,B] i32: the object's index, or one of the two above. Without
// objects all boxes are background. Errors: shapes, types, low > high.
Tensor match_boxes(const BoxList& objects, const Tensor& boxes, const Tensor& count, float high, float low, bool keep_best);

inline Tensor match_boxes(const BoxList& objects, const BoxList& boxes, float high, float low, bool keep_best) {
  return match_boxes(objects, boxes.boxes, boxes.count, high, low, keep_best);
}

}  // namespace mr
