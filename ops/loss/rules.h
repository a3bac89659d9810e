// The losses of one element and their gradients, for either device. A: the accumulation type. The
// formulas are in the operators' headers.
#pragma once

#include <algorithm>
#include <cmath>

#include "tensor/hd.h"

namespace mr {

template <class A> MR_HD A bce(A z, A t) { return std::max(z, A(0)) - z * t + std::log1p(std::exp(-std::abs(z))); }

template <class A> MR_HD A bce_gradient(A z, A t) {  // σ(z) − t
  const A e = std::exp(-std::abs(z));
  return (z >= 0 ? 1 : e) / (1 + e) - t;
}

template <class A> MR_HD A smooth(A d, A beta) {
  const A a = std::abs(d);
  return a < beta ? A(0.5) * d * d / beta : a - A(0.5) * beta;
}

template <class A> MR_HD A smooth_gradient(A d, A beta) {
  if (std::abs(d) < beta) return d / beta;
  return d > 0 ? A(1) : d < 0 ? A(-1) : d;  // 0 at 0; NaN stays NaN
}

}  // namespace mr
