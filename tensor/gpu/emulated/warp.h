// Barriers and the collectives of a warp, under CUDA's names, for the emulated device. A lane that calls one waits until every lane of the
// mask has called the same one at the same place in the source; a shuffle that reads a lane outside the mask is an error, where the
// device gives any value.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tensor/gpu/emulated/thread.h"

namespace mr::gpu::emulated {

// A shuffle can carry 4 or 8 bytes, as on the device.
template <class T>
concept Shuffled = std::is_arithmetic_v<T> &&(sizeof(T) == 4 || sizeof(T) == 8);

enum class Shuffle : uint8_t { index, up, down, exclusive_or };
uint64_t shuffle(Shuffle kind, uint32_t mask, uint64_t bits, int lane, int width, const Location& at);
template <Shuffled T> T shuffle(Shuffle kind, uint32_t mask, T v, int lane, int width, const Location& at) {
  uint64_t bits = 0;
  std::memcpy(&bits, &v, sizeof v);
  bits = shuffle(kind, mask, bits, lane, width, at);
  std::memcpy(&v, &bits, sizeof v);
  return v;
}
uint32_t ballot(const char* name, uint32_t mask, bool predicate, const Location& at);

}  // namespace mr::gpu::emulated

// NOLINTBEGIN(bugprone-reserved-identifier): the names are CUDA's
void __syncthreads(mr::gpu::Location at = mr::gpu::Location::current());
int __syncthreads_count(int predicate, mr::gpu::Location at = mr::gpu::Location::current());  // of how many threads it is true
int __syncthreads_and(int predicate, mr::gpu::Location at = mr::gpu::Location::current());
int __syncthreads_or(int predicate, mr::gpu::Location at = mr::gpu::Location::current());
void __syncwarp(uint32_t mask = 0xffffffffu, mr::gpu::Location at = mr::gpu::Location::current());

template <mr::gpu::emulated::Shuffled T>
T __shfl_sync(uint32_t mask, T v, int lane, int width = 32, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::shuffle(mr::gpu::emulated::Shuffle::index, mask, v, lane, width, at);
}
template <mr::gpu::emulated::Shuffled T>
T __shfl_up_sync(uint32_t mask, T v, unsigned delta, int width = 32, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::shuffle(mr::gpu::emulated::Shuffle::up, mask, v, static_cast<int>(delta), width, at);
}
template <mr::gpu::emulated::Shuffled T>
T __shfl_down_sync(uint32_t mask, T v, unsigned delta, int width = 32, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::shuffle(mr::gpu::emulated::Shuffle::down, mask, v, static_cast<int>(delta), width, at);
}
template <mr::gpu::emulated::Shuffled T>
T __shfl_xor_sync(uint32_t mask, T v, int lane_mask, int width = 32, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::shuffle(mr::gpu::emulated::Shuffle::exclusive_or, mask, v, lane_mask, width, at);
}

inline uint32_t __ballot_sync(uint32_t mask, int predicate, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::ballot("__ballot_sync", mask, predicate != 0, at);
}
inline int __any_sync(uint32_t mask, int predicate, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::ballot("__any_sync", mask, predicate != 0, at) != 0;
}
inline int __all_sync(uint32_t mask, int predicate, mr::gpu::Location at = mr::gpu::Location::current()) {
  return mr::gpu::emulated::ballot("__all_sync", mask, predicate != 0, at) == mask;
}
// NOLINTEND(bugprone-reserved-identifier)
