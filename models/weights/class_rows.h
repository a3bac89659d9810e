// The rows of a network's last layers that belong to classes:
// all that weights for other classes differ in.
//
//   roi_heads.box_predictor.cls_score           K+1 rows, background's first
//   roi_heads.box_predictor.bbox_pred           4 (K+1)
//   roi_heads.mask_predictor.mask_fcn_logits    K+1; one where masks are class-agnostic
//   roi_heads.mask_predictor.logits             the same of other mask heads, an MLP's with a row for each pixel of a class
//   fc, classifier.6                            K: of a classifier, a ResNet or VGG-16
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/weights/weight_file.h"

namespace mr {

// Whether a parameter of this name is of such rows.
bool is_class_row(std::string_view name);

// For class k of a model (0: background) the class of a file that is the same; −1: none is.
using ClassRows = std::vector<int64_t>;

// Whether a tensor of the shape `file` has those rows for a parameter of the shape `model`,
// both as they lie in files.
bool rows_can_be_matched(const FileShape& file, const FileShape& model, const ClassRows& rows);

// `initial`, a parameter's values as they would lie in a file,
// with the rows that the file's values have for them.
std::vector<float> with_matched_rows(std::vector<float> initial, const std::vector<float>& file, const ClassRows& rows);

}  // namespace mr
