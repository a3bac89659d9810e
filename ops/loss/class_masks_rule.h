// One pixel of class_masks, for either device (ops/each.h).
#pragma once

#include <cmath>
#include <cstdint>

#include "ops/loss/softmax_rule.h"
#include "tensor/hd.h"

namespace mr {

struct ClassMaskRow {
  const float* z;         // [R·pixels,columns]
  const int32_t* labels;  // [R]
  float* y;               // [R·pixels]
  int64_t pixels, columns;
  SoftmaxRule rule;

  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int64_t k = at(labels, i / pixels);
    at(y, i) = k > 0 && k < columns ? of_class(at, i * columns, k) : 0.0f;
  }

 private:
  template <class At> MR_HD float of_class(const At& at, int64_t row, int64_t k) const {
    const float own = at(z, row + k);
    if (rule == SoftmaxRule::foreground) return 1 / (1 + std::exp(at(z, row) - own));
    float sum = 0;
    bool largest = true;
    for (int64_t j = 0; j < columns; ++j) {
      const float other = at(z, row + j);
      sum += std::exp(other - own);
      largest = largest && (other < own || (other == own && j >= k));
    }
    return rule == SoftmaxRule::largest ? static_cast<float>(largest) : 1 / sum;
  }
};

}  // namespace mr
