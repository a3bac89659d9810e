// Keypoints: one pixel of an m×m map for each kind of point (He et al. 2017, section 5: m = 56,
// K = 17 kinds of COCO's persons).
//
//   keypoint_labels   where in its RoI a point is, as one of m² classes:   x' = ⌊(x − x1)·m/(x2 − x1)⌋, m − 1 where x = x2;  y' alike;
//                     label = y'·m + x'.  −1, not trained: a point that is not visible (v = 0) or not in the box; a box without area.
//                     Example: RoI (10,20,66,132), m = 56: (38.2,75.9) → (28,27) → 1540;  (66,132) → (55,55) → 3135;  (9.9,50) → −1
//
//   keypoint_loss     softmax cross entropy over the m² positions of each point's own map, the mean over the points that have a label:
//                     L = 1/V · Σ_{r,k: label ≥ 0} −log softmax(z[r,·,·,k])[label],   0 if none has one.
//                     One-hot: every other pixel of the map is wrong, however near. Gradient: (softmax − onehot)/V, 0 for points without label.
//
//   keypoint_decode   the way back: each map resized to ⌈w⌉ × ⌈h⌉ pixels of its box (bicubic, a = −¾, pixel centres, the border's value
//                     beyond it), the largest (the first of equals):   x = x1 + (i_x + ½)·w/⌈w⌉,  y alike;  score: the resized logit there
//
// keypoints [R,K,3] f32 (x, y, visibility; continuous coordinates: COCO's pixel indices + ½);
// boxes [R,4] f32; labels i32 [R,K];
// logits [R,m,m,K] floating; decoded [R,K,3] f32 (x, y, score).
// Errors: shapes and types; a label outside [−1, m²); m outside 1 … 1024; boxes to decode that are
// not finite or longer than 65536 pixels.
// On a GPU labels and boxes are not read before the kernel runs: a label outside [−1, m²)
// counts as −1, such a box gives NaN.
#pragma once

#include "autograd/var.h"

namespace mr {

Tensor keypoint_labels(const Tensor& keypoints, const Tensor& boxes, int m);
Var keypoint_loss(const Var& logits, const Tensor& labels);
Tensor keypoint_decode(const Tensor& logits, const Tensor& boxes);

}  // namespace mr
