// tests/golden/conv.bin (scripts/golden_conv.py): torch's convolutions on random cases. MR_GOLDEN_CONV names another file.
#pragma once

#include <cmath>

#include "tests/ops/golden_file.h"

inline const GoldenFile& conv_golden() {
  static const GoldenFile golden("conv.bin", "MR_GOLDEN_CONV");
  return golden;
}

// Σ t · weights of the seed, and the same of absolute values where t holds sums of absolute values: the scale of its rounding.
inline double weighted(const mr::Tensor& t, uint64_t seed) {
  const mr::Tensor w = golden_values(seed, t.shape());
  double sum = 0;
  for (int64_t i = 0; i < t.numel(); ++i) sum += t.at(i) * w.at(i);
  return sum;
}
inline double weighted_terms(const mr::Tensor& terms, uint64_t seed) {
  const mr::Tensor w = golden_values(seed, terms.shape());
  double sum = 0;
  for (int64_t i = 0; i < terms.numel(); ++i) sum += terms.at(i) * std::abs(w.at(i));
  return sum;
}
