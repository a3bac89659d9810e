// A box as four numbers relative to an anchor (Girshick et al. 2014, appendix C;
// Ren et al. 2015, equation 2), and back.
//
// With centres (gx, gy), (ax, ay) and sides gw, gh, aw, ah (width = x2 − x1 + extent):
//     dx = wx·(gx − ax)/aw     dw = ww·ln(gw/aw)
//     dy = wy·(gy − ay)/ah     dh = wh·ln(gh/ah)
// The weights bring the four to unit variance: (1, 1, 1, 1) in the RPN,
// (10, 10, 5, 5) in the box head.
// decode clamps dw/ww and dh/wh to ln(1000/16), so that exp cannot blow up.
// `extent` is what a side is longer than x2 − x1: 0 here and in today's detectors; 1 in Fast R-CNN
// and Detectron, whose corners are the first and the last pixel of a box. Weights trained there
// want 1.
//
// Example: anchor (10,20,50,100), box (15,30,65,90), weights (10,10,5,5) →
// (2.5, 0, 1.115718, −1.438410);
// with extent 1 (2.439024, 0, 1.091268, −1.417876).
#pragma once

#include "tensor/tensor.h"

namespace mr {

struct BoxCoder {
  float wx = 1, wy = 1, ww = 1, wh = 1;
  float extent = 0;

  Tensor encode(const Tensor& gt, const Tensor& anchors) const;  // [N,4], [N,4] → [N,4] f32
  // deltas [N,4] or [N,4K] (K boxes from the same anchor) → the same shape.
  // Errors: other shapes or types.
  Tensor decode(const Tensor& deltas, const Tensor& anchors) const;
};

void clip_boxes(const Tensor& boxes, int h, int w);  // in place, to the image: x in [0, w], y in [0, h]; [N,4] or [N,4K]

}  // namespace mr
