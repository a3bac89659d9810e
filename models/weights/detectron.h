// detectron2's and Detectron's weights in torchvision's words.
//
//   detectron2  backbone.bottom_up.res2.0.conv1.norm.weight  proposal_generator.rpn_head.anchor_deltas.bias  roi_heads.mask_head.deconv.weight
//   Detectron   res2_0_branch2a_bn_s                         rpn_bbox_pred_fpn2_b                            conv5_mask_w
//
// Tensors lie the same way; rows of classes do not. Background is Detectron's first row, as
// torchvision's and ours; detectron2 has it last in cls_score, and none in bbox_pred and in the
// masks' logits. So for detectron2
//   cls_score       the last row becomes the first;
//   bbox_pred       four rows of zeros come before (background has no box); those of a class-agnostic one, four in all, are repeated;
//   masks' logits   a row of zeros comes before, unless the model's masks are class-agnostic, too.
// An RPN with several sizes of anchors on one map (C4, DC5) has them in another order in detectron2: all ratios, which are
// taken to be three, of the first size, then of the next; here, as in torchvision and Detectron, all sizes of the first ratio.
// Detectron's norms are scale and shift alone: with them come a mean of 0 and a variance of 1 − ε,
// so that (x − 0) / √(var + ε) = x.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/weights/names.h"

namespace mr {

// Recognises either by the names, and changes names and rows; tensors of no use get an empty name.
// norm_epsilon: ε of the model's norms.
Naming translate_detectron(std::vector<Candidate>& candidates, const Parameters& parameters, double norm_epsilon);

// What weights with such names usually expect of a recipe, as key and value in TOML: pixels, mean,
// place of the stride, RoIAlign.
const std::vector<std::pair<std::string, std::string>>& usual_settings(Naming naming);

}  // namespace mr
