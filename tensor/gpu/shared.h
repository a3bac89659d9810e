// Shared memory: one arena a block, whose size the launch gives, and from which a kernel carves its arrays.
//
//   __global__ void kernel(…) {
//     Shared shared;
//     const auto tile = shared.array<float>(32 * 33);     // every thread carves the same arrays in the same order
//     tile[i] = x;  const float y = tile[j];              // tile + k: the array from element k on
//   }
//   launch("kernel", grid, block, SharedSize().array<float>(32 * 33).bytes(), stream, kernel, …);
//
// Arrays begin at multiples of 16 bytes and hold nothing at first. On the device a SharedArray<T> is a T*; emulated, it checks every access
// (docs/gpu.md), so that it has no `&a[i]` and no `auto v = a[i]`.
#pragma once

#include "tensor/gpu/builtins.h"

#if !defined(__CUDACC__)
#include "tensor/gpu/emulated/shared.h"
#endif

namespace mr::gpu {

constexpr size_t shared_alignment = 16;

// The bytes that arrays carved in this order take.
class SharedSize {
 public:
  template <class T> constexpr SharedSize array(size_t n) const {
    SharedSize more;
    more.bytes_ = (bytes_ + shared_alignment - 1) / shared_alignment * shared_alignment + n * sizeof(T);
    return more;
  }
  constexpr size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
};

#if defined(__CUDACC__)

template <class T> using SharedArray = T*;

class Shared {
 public:
  template <class T> __device__ __forceinline__ SharedArray<T> array(int n) {
    extern __shared__ uint4 mr_shared_memory[];
    const size_t offset = (used_ + shared_alignment - 1) / shared_alignment * shared_alignment;
    used_ = offset + static_cast<size_t>(n) * sizeof(T);
    return reinterpret_cast<T*>(reinterpret_cast<unsigned char*>(mr_shared_memory) + offset);
  }

 private:
  size_t used_ = 0;
};

#else

using emulated::SharedArray;

class Shared {
 public:
  template <class T> SharedArray<T> array(int n, Location at = Location::current()) {
    return SharedArray<T>(emulated::carve(n, static_cast<int>(sizeof(T)), shared_alignment, at));
  }
};

#endif

}  // namespace mr::gpu
