// Which pixels a pooling window covers and which windows a pixel lies in, for either device (I:
// int64_t on the CPU, int on a GPU); and which of two values is the maximum.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/hd.h"

namespace mr {

template <class I> struct PoolWindow {
  I H, W, C, OH, OW;  // of the map, and of the pooled map
  int size, stride, padding;

  // The pixels [begin, end) of an axis of length n that window i covers.
  MR_HD I begin(I i) const { return std::max<I>(0, i * stride - padding); }
  MR_HD I end(I i, I n) const { return std::min<I>(n, i * stride - padding + size); }
  // The windows [first, last) of an axis with `count` of them that cover pixel p.
  MR_HD I first(I p) const { return p + padding < size ? 0 : (p + padding - size) / stride + 1; }
  MR_HD I last(I p, I count) const { return std::min<I>(count, (p + padding) / stride + 1); }
  MR_HD int place(I h, I w, I i, I j) const { return static_cast<int>((h - i * stride + padding) * size + (w - j * stride + padding)); }
};

// Whether `value` takes the place of `best` (V: one value, or lanes). A NaN stays.
template <class V> MR_HD auto exceeds(V value, V best) {
  return (value > best) | (value != value);  // NOLINT(misc-redundant-expression)
}

}  // namespace mr
