// What the RoI kernels share: who owns which channels, and a running maximum. Their inner loop is
// for_channel_groups (ops/kernel.h).
#pragma once

#include <type_traits>

#include "ops/kernel.h"

namespace mr {

// Channels that one thread owns where a backward scatters: whole cache lines, one block a thread.
// How they are cut leaves the bits alone, since each channel's sums are its own.
inline int64_t owner_channels(int64_t channels) {
  constexpr int64_t line = 16;
  const int64_t each = (channels + thread_count() - 1) / thread_count();
  return (each + line - 1) / line * line;
}

// A running maximum over W channels and where it was found. Strict >:
// the first of equals stays, NaN never wins.
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
