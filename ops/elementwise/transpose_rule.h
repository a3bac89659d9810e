// Element i of what transpose_each gives, for either device (ops/each.h).
#pragma once

#include <cstdint>

#include "tensor/hd.h"

namespace mr {

template <class T> struct TransposeRow {
  const T* x;
  T* y;
  int64_t A, B;
  template <class At> MR_HD void operator()(const At& at, int64_t i) const {
    const int64_t matrix = i / (A * B), b = i / A % B, a = i % A;
    at(y, i) = at(x, (matrix * A + a) * B + b);
  }
};

}  // namespace mr
