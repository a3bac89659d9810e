// What output i of a bilinear resizing reads along one axis, for either device. The position is
// exact: an integer in steps of 1/(2·out).
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/hd.h"

namespace mr {

struct BilinearTaps {
  int64_t i0, i1;
  double l;  // weight of i1; i0 has 1 − l
  MR_HD double weight_of(int64_t p) const { return (i0 == p ? 1 - l : 0) + (i1 == p ? l : 0); }
};

MR_HD inline BilinearTaps bilinear_taps(int64_t i, int64_t in, int64_t out) {
  const int64_t s = std::max<int64_t>((2 * i + 1) * in - out, 0);
  const int64_t i0 = std::min(s / (2 * out), in - 1), i1 = std::min(i0 + 1, in - 1);
  return {i0, i1, i1 == i0 ? 0 : static_cast<double>(s % (2 * out)) / static_cast<double>(2 * out)};
}

// An output before which none reads pixel p: those that do follow each other from here on.
MR_HD inline int64_t bilinear_first_reader(int64_t p, int64_t in, int64_t out) {
  const int64_t steps = (2 * p - 1) * out - in;  // (2i + 1)·in − out ≥ 2·out·(p − 1)
  return steps <= 0 ? 0 : steps / (2 * in);
}

}  // namespace mr
