// What an operator does along one axis, in either type that it runs in (bf16 maps are computed in f32).
#pragma once

#include <type_traits>

namespace mr {

// F<A>: the type of the rule in A, a std::function. One generic lambda makes both:  Rule<F>([=](auto lo, auto hi, …) { … })
template <template <class> class F> struct Rule {
  F<float> f32;
  F<double> f64;

  template <class Lambda> explicit Rule(Lambda rule) : f32(rule), f64(rule) {}
  template <class A> const F<A>& of() const {
    if constexpr (std::is_same_v<A, float>)
      return f32;
    else
      return f64;
  }
};

}  // namespace mr
