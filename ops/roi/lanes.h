// The inner loop of the RoI kernels: channels in groups of K vectors, so that what a group accumulates stays in registers.
#pragma once

#include <type_traits>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {

// group(Lanes<W>{}, std::integral_constant<int, K>{}, c) for groups of K·W channels, then single vectors, then single channels.
template <int W, int K, class F> [[gnu::always_inline]] inline void for_channel_groups(int64_t channels, F&& group) {
  int64_t c = 0;
  for (; c + K * W <= channels; c += K * W) group(Lanes<W>{}, std::integral_constant<int, K>{}, c);
  for (; c + W <= channels; c += W) group(Lanes<W>{}, std::integral_constant<int, 1>{}, c);
  for (; c < channels; ++c) group(Lanes<1>{}, std::integral_constant<int, 1>{}, c);
}

// Channels that one thread owns where a backward scatters: whole cache lines, one block a thread. How they are cut leaves the bits
// alone, since each channel's sums are its own.
inline int64_t owner_channels(int64_t channels) {
  constexpr int64_t line = 16;
  const int64_t each = (channels + thread_count() - 1) / thread_count();
  return (each + line - 1) / line * line;
}

// A running maximum over W channels and where it was found. Strict >: the first of equals stays, NaN never wins.
template <class A, int W> struct ArgMax {
  using Index = std::conditional_t<sizeof(A) == 4, int32_t, int64_t>;  // as wide as A, so that one mask selects both
  Vec<A, W> best;
  Vec<Index, W> at;

  [[gnu::always_inline]] void start(A lowest) {
    best = splat<W>(lowest);
    at = splat<W>(Index{-1});
  }
  [[gnu::always_inline]] void offer(Vec<A, W> v, Vec<Index, W> where) {
    const auto better = v > best;
    best = better ? v : best;
    at = better ? where : at;
  }
  [[gnu::always_inline]] void store_at(int32_t* p) const {
    if constexpr (W == 1) {
      *p = static_cast<int32_t>(at);
    } else {
      const Vec<int32_t, W> narrow = __builtin_convertvector(at, Vec<int32_t, W>);
      std::memcpy(p, &narrow, sizeof narrow);
    }
  }
};

}  // namespace mr
