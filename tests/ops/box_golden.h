// tests/golden/boxes.bin (scripts/golden_boxes.py): what torchvision answers on random cases. MR_GOLDEN_BOXES names another file.
#pragma once

#include "tests/ops/golden_file.h"

inline const GoldenFile& box_golden() {
  static const GoldenFile golden("boxes.bin", "MR_GOLDEN_BOXES");
  return golden;
}

// The map that the script draws for case k.
inline mr::Tensor golden_map(uint64_t k, int h, int w) { return golden_values(k, {1, h, w, 1}); }
