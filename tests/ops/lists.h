// Helpers for tests of lists of boxes (ops/boxes/lists.h).
#pragma once

#include <vector>

#include "ops/boxes/lists.h"
#include "tensor/tensor.h"

namespace mr::test {

// One image's boxes [G,4] as a list.
inline BoxList list_of(const Tensor& boxes) {
  return {boxes.reshape({1, boxes.size(0), 4}), Tensor::of<int32_t>({1}, {static_cast<int32_t>(boxes.size(0))})};
}

inline std::vector<int32_t> numbers(const Tensor& t) { return {t.data<int32_t>(), t.data<int32_t>() + t.numel()}; }

}  // namespace mr::test
