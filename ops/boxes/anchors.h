// Anchors: the reference boxes from which a region proposal network measures
// (Ren et al. 2015, section 3.1.1).
//
// At every cell of a map stands one anchor for each ratio r = height / width and each size s (the
// side of the square of the same area, in pixels):
//     width = s/√r,   height = s·√r,   centre = (column·stride_x + offset·stride_x,  row·stride_y + offset·stride_y)
//
// torchvision: `round` the half sides to integers (half to even), offset 0, the top-left corner of
// the cell. detectron2: no rounding, offset 0 or ½. FPN gives each level one size, C4 has five
// sizes on one map.
//
// Example: stride 16, size 128, ratios ½, 1, 2 → 181.02×90.51, 128×128, 90.51×181.02;
// rounded 182×90, 128×128, 90×182.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace mr {

struct AnchorOptions {
  std::vector<double> ratios{0.5, 1, 2};  // height / width
  bool round = true;                      // half sides to integers, as torchvision
  double offset = 0;                      // of the centre, in strides
};

// → [H·W·A, 4] f32, A = ratios × sizes, in the order (row, column, ratio, size), size fastest.
// Errors: an empty map, a stride below 1, no sizes or ratios,
// one that is not positive, more than 64 anchors a cell.
Tensor anchors_for_level(int map_h, int map_w, int stride_y, int stride_x, const std::vector<double>& sizes,
                         const AnchorOptions& options = {});

}  // namespace mr
