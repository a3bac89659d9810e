// Helpers for tests of lists of boxes (ops/boxes/lists.h).
#pragma once

#include <cmath>
#include <vector>

#include "ops/boxes/candidates.h"
#include "ops/boxes/lists.h"
#include "tensor/tensor.h"

namespace mr::test {

using Places = std::vector<int32_t>;

// What was chosen of image n.
inline Places places(const Chosen& c, int64_t n = 0) {
  const int32_t* first = c.index.data<int32_t>() + n * c.index.size(1);
  return {first, first + c.count.data<int32_t>()[n]};
}

// One image's boxes [G,4] as a list.
inline BoxList list_of(const Tensor& boxes) {
  return {boxes.reshape({1, boxes.size(0), 4}), Tensor::of<int32_t>({1}, {static_cast<int32_t>(boxes.size(0))})};
}

inline std::vector<int32_t> numbers(const Tensor& t) { return {t.data<int32_t>(), t.data<int32_t>() + t.numel()}; }

// Boxes [M,4] of any group 0 … groups − 1: box i at place i·groups + group[i], the places beside it empty.
inline Candidates of_groups(const Tensor& boxes, const Tensor& scores, const std::vector<int32_t>& group, int64_t groups) {
  const int64_t M = boxes.size(0);
  Candidates c = new_candidates(1, groups, M);
  c.interleaved = true;
  c.scores.fill_(-INFINITY);
  for (int64_t i = 0; i < M; ++i) {
    const int64_t place = i * groups + group[static_cast<size_t>(i)];
    std::copy_n(boxes.data<float>() + 4 * i, 4, c.boxes.data<float>() + 4 * place);
    c.scores.data<float>()[place] = scores.data<float>()[i];
  }
  return c;
}

}  // namespace mr::test
