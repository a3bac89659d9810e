// Which number between 0 and 1 is a pixel's part of the mask of class k, where classes and the
// background (0) compete for it. The paper trains such masks (Table 2b) and does not say.
#pragma once

#include <cstdint>

namespace mr {

enum class SoftmaxRule : uint8_t {
  probability,  // p_k of all classes and the background
  largest,      // 1 where p_k is the largest, else 0
  foreground,   // p_k / (p_k + p_0): of the class or the background, as if there were no others
};

}  // namespace mr
