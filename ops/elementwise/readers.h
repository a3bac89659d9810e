// Which entries of an index name a row, for a kernel. With it a row gathers its gradient from those
// entries, where otherwise each entry would scatter to the row.
#pragma once

#include "tensor/gpu/kernel.h"

namespace mr::gpu {

template <class I> struct ReadersOf {
  const I* index;
  const int *first, *count;  // of Readers (gather_gpu.h)

  // f(i) for each i with index[i] = row, in rising order. Most rows have none or one; after the
  // first the others are looked for.
  template <class F> __device__ void each(int64_t row, F&& f) const {
    int left = load<int>(count + row);
    for (int64_t i = left > 0 ? load<int>(first + row) : 0; left > 0; ++i) {
      if (static_cast<int64_t>(load<I>(index + i)) != row) continue;
      f(i);
      --left;
    }
  }
};

}  // namespace mr::gpu
