// crop_and_resize: the grid that TensorFlow's detectors,
// Matterport's Mask R-CNN among them, use in place of RoIAlign.
//                                                                         TensorFlow's tf.image.crop_and_resize, then 2×2 max pooling
//
// A grid of 2P × 2P points is laid over the box from edge to edge, both edges included; each point
// is interpolated bilinearly; of every 2×2 points the largest (or the mean) is the bin's value
// (14×14 → 7×7). For one axis, box [x1, x2] in pixels, stride s, map of n cells:
//
//   coordinates   pixel 0 is cell 0 and the image's last pixel, n·s − 1, is cell n − 1:   u = x · (n − 1)/(n·s − 1)
//   points        u_k = u1 + k·(u2 − u1)/(2P − 1),  k = 0 … 2P − 1;     a point below 0 or above n − 1 is worth 0
//
// It is often called RoIAlign, and is close: four points a bin, nothing rounded. It differs in the
// outermost points, which sit on the box's edges and not a quarter of a bin inside, in the scale,
// and in what lies beyond the map.
//
// By hand: s = 1 (coordinates are indices), x1 = 0, x2 = 7, P = 2:
// points 0, 7/3, 14/3, 7, two to a bin.
//
// Shapes, units, types, errors as roi_align. Gradient to the maps, through the point that won, and
// to the boxes where they require one.
#pragma once

#include <vector>

#include "autograd/var.h"
#include "ops/roi/modes.h"

namespace mr {

struct CropAndResizeOptions {
  int size = 7;  // P: bins along each axis, 2×2 points each
  Reduce reduce = Reduce::max;
};

Var crop_and_resize(const std::vector<Var>& maps, const std::vector<int>& strides, const Var& rois, const Tensor& levels,
                    const CropAndResizeOptions& options = {});

}  // namespace mr
