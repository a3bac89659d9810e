#include "models/weights/class_rows.h"

#include <algorithm>

namespace mr {

bool is_class_row(std::string_view name) {
  for (const std::string_view layer :
       {"roi_heads.box_predictor.cls_score.", "roi_heads.box_predictor.bbox_pred.", "roi_heads.mask_predictor.mask_fcn_logits.",
        "roi_heads.mask_predictor.logits.", "fc.", "classifier.6."})
    if (name.starts_with(layer)) return true;
  return false;
}

bool rows_can_be_matched(const FileShape& file, const FileShape& model, const ClassRows& rows) {
  const auto classes = static_cast<int64_t>(rows.size());
  if (classes == 0 || file.size() != model.size() || model.empty() || model[0] % classes != 0) return false;
  const int64_t each = model[0] / classes;  // rows a class
  return each > 0 && file[0] % each == 0 && std::ranges::max(rows) < file[0] / each &&
         std::equal(file.begin() + 1, file.end(), model.begin() + 1);
}

std::vector<float> with_matched_rows(std::vector<float> initial, const std::vector<float>& file, const ClassRows& rows) {
  const size_t each = initial.size() / rows.size();  // values a class
  for (size_t k = 0; k < rows.size(); ++k)
    if (rows[k] >= 0)
      std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(each) * rows[k], each,
                  initial.begin() + static_cast<std::ptrdiff_t>(each * k));
  return initial;
}

}  // namespace mr
