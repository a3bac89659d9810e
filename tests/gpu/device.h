// Helpers of the device's tests.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/gpu/emulation.h"
#include "tensor/gpu/runtime.h"
#include "tensor/rng.h"
#include "tests/catch.h"

namespace mr::gpu {

// Whether there is a device; if not, says so where ctest counts it.
inline bool has_device() {
  if (device_count() > 0) return true;
  skip("no GPU on this machine");
  return false;
}

inline bool is_emulated(const char* what = nullptr) {
  if constexpr (built == Built::emulated) return true;
  if (what) skip(what);
  return false;
}

template <class T> std::vector<T> random_values(size_t n, uint64_t seed) {
  Rng rng(seed, "gpu");
  std::vector<T> v(n);
  for (T& x : v) x = static_cast<T>(static_cast<float>(rng.uniform(-1, 1)));
  return v;
}

template <class T> std::vector<uint8_t> bytes_of(const std::vector<T>& v) {
  const auto* p = reinterpret_cast<const uint8_t*>(v.data());
  return {p, p + v.size() * sizeof(T)};
}

// Runs `body() → std::vector` under the natural order and three shuffled ones, and wants the same bits; on a GPU, four times.
template <class Body> auto under_every_order(Body&& body) {
  const auto once = [&](uint64_t seed) {
    if constexpr (built == Built::emulated) set_seed(seed);
    return body();
  };
  const auto first = once(0);
  for (const uint64_t seed : {1, 2, 3}) {
    const auto again = once(seed);
    INFO("seed " << seed);
    CHECK(bytes_of(again) == bytes_of(first));
  }
  if constexpr (built == Built::emulated) set_seed(1);
  return first;
}

}  // namespace mr::gpu
