// The arithmetic of one element, for either device: V is a vector of the CPU (tensor/simd.h) or one
// value. The formulas are in the headers of the operators.
#pragma once

#include <cmath>
#include <type_traits>
#include <utility>

#include "tensor/hd.h"

namespace mr {

template <class V> struct Element { using type = std::remove_reference_t<decltype(std::declval<V&>()[0])>; };
template <> struct Element<float> { using type = float; };
template <> struct Element<double> { using type = double; };
template <class V> using element_t = typename Element<V>::type;

struct AddRule {
  template <class V> MR_HD V operator()(V a, V b) const { return a + b; }
};

struct SubtractRule {
  template <class V> MR_HD V operator()(V a, V b) const { return a - b; }
};
struct MultiplyRule {
  template <class V> MR_HD V operator()(V a, V b) const { return a * b; }
};

struct ScaleRule {
  double factor;
  template <class V> MR_HD V operator()(V x) const { return static_cast<element_t<V>>(factor) * x; }
};

struct ReluRule {
  template <class V> MR_HD V operator()(V x) const { return x < 0 ? V{} : x; }
};
struct ReluGradient {
  template <class V> MR_HD V operator()(V gy, V y) const { return y <= 0 ? V{} : gy; }
};

struct SigmoidRule {
  template <class V> MR_HD V operator()(V x) const {
    if constexpr (std::is_floating_point_v<V>) {
      const V e = std::exp(-std::abs(x));
      return (x >= 0 ? 1 : e) / (1 + e);
    } else {  // lane by lane: there is no exp of a vector
      V y;
      constexpr int width = sizeof(V) / sizeof(x[0]);
      for (int i = 0; i < width; ++i) y[i] = (*this)(element_t<V>{x[i]});
      return y;
    }
  }
};
struct SigmoidGradient {
  template <class V> MR_HD V operator()(V gy, V y) const { return gy * y * (1 - y); }
};

}  // namespace mr
