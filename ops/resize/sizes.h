// Which pixel a nearest-neighbour resizing reads, for either device (I:
// int64_t on the CPU, int on a GPU).
#pragma once

#include <cstdint>

#include "tensor/hd.h"

namespace mr {

template <class I> struct NearestSizes {
  I N, H, W, C, OH, OW;
  MR_HD I source_row(I i) const { return i * H / OH; }
  MR_HD I source_column(I j) const { return j * W / OW; }
  // The target pixels that read source pixel p of n: [first(p), first(p + 1)).
  static MR_HD I first(I p, I n, I out) { return (p * out + n - 1) / n; }
};

}  // namespace mr
