// What the threads of a block do together in the kernels of this folder. Every thread of the block
// calls these functions, and the block consists of whole warps.
#pragma once

#include "tensor/gpu/kernel.h"

namespace mr::gpu {

constexpr unsigned all_lanes = 0xffffffffu;

// The sum of v over the threads before this one. of_warp: room for one number a warp.
template <int threads> __device__ inline int sum_before(int v, const SharedArray<int>& of_warp, int& total) {
  constexpr int warps = threads / warp_size;
  const int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
  int sum = v;  // over the lanes up to this one
  MR_UNROLL
  for (int d = 1; d < warp_size; d *= 2) {
    const int before = __shfl_up_sync(all_lanes, sum, static_cast<unsigned>(d));
    if (lane >= d) sum += before;
  }
  __syncthreads();  // of_warp may still be read from the last call
  if (lane == warp_size - 1) of_warp[warp] = sum;
  __syncthreads();
  int before = 0;
  total = 0;
  for (int w = 0; w < warps; ++w) {
    const int s = of_warp[w];
    if (w < warp) before += s;
    total += s;
  }
  return before + sum - v;
}

// The smallest power of two that is n or more, and a warp at least.
MR_HD inline int sorted_length(int n) {
  int length = 32;
  while (length < n) length *= 2;
  return length;
}

// Keys i and i ^ stride in order: the lesser first where bit `size` of i is 0. One key a lane.
__device__ inline uint64_t exchange(uint64_t key, int i, int size, int stride) {
  const uint64_t other = __shfl_xor_sync(all_lanes, key, stride);
  const bool rising = (i & size) == 0, first = (i & stride) == 0;
  return (rising == first) == (other < key) ? other : key;
}

// Bitonic sort of keys[0, length), length a power of two and 32 at least. Steps within a warp's 32
// keys run in registers; in the others a warp reads and writes 32 neighbours, so that no two lanes
// meet in a bank.
__device__ inline void sort_keys(const SharedArray<uint64_t>& keys, int length) {
  const int first = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  __syncthreads();
  for (int i = first; i < length; i += threads) {
    uint64_t key = keys[i];
    for (int size = 2; size <= warp_size; size *= 2)
      for (int stride = size / 2; stride > 0; stride /= 2) key = exchange(key, i, size, stride);
    keys[i] = key;
  }
  for (int size = 2 * warp_size; size <= length; size *= 2) {
    for (int stride = size / 2; stride >= warp_size; stride /= 2) {
      __syncthreads();
      for (int t = first; t < length / 2; t += threads) {
        const int i = 2 * t - (t & (stride - 1));
        const uint64_t a = keys[i], b = keys[i + stride];
        if ((b < a) == ((i & size) == 0)) {
          keys[i] = b;
          keys[i + stride] = a;
        }
      }
    }
    __syncthreads();
    for (int i = first; i < length; i += threads) {
      uint64_t key = keys[i];
      MR_UNROLL
      for (int stride = warp_size / 2; stride > 0; stride /= 2) key = exchange(key, i, size, stride);
      keys[i] = key;
    }
  }
  __syncthreads();
}

}  // namespace mr::gpu
