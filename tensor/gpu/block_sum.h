// Sums of f64 in a fixed order: of a block's threads, and of any number of terms in two passes.
//
//   const double s = block_sum(v, shared.array<double>(sum_warps));       // every thread of the block comes; the sum is in thread 0
//
//   struct Term { const float* x; __device__ double operator()(int64_t i) const { return load<float>(x + i); } };
//   struct Finish { float* y; __device__ void operator()(double sum) const { store(y, static_cast<float>(sum)); } };
//   sum_terms("total", n, Term{x}, Finish{y}, parts);                     // queued; parts: sum_parts(n) numbers of device memory
#pragma once

#include <algorithm>

#include "tensor/gpu/kernel.h"

namespace mr::gpu {

constexpr int sum_threads = 256, sum_warps = sum_threads / warp_size;
constexpr int64_t sum_terms_of_block = 8 * sum_threads;
inline int64_t sum_parts(int64_t n) { return (n + sum_terms_of_block - 1) / sum_terms_of_block; }

__device__ inline double block_sum(double v, SharedArray<double> of_warp) {
  const int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
  MR_UNROLL
  for (int d = warp_size / 2; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d);
  if (lane == 0) of_warp[warp] = v;
  __syncthreads();
  double sum = 0;
  for (int w = 0; threadIdx.x == 0 && w < sum_warps; ++w) {
    const double part = of_warp[w];
    sum += part;
  }
  return sum;
}

namespace detail {

// A block adds its run of terms: a thread every 256th.
template <class F> __global__ void __launch_bounds__(sum_threads) sum_terms_kernel(int64_t n, F f, double* parts) {
  Shared shared;
  const int64_t begin = int64_t{blockIdx.x} * sum_terms_of_block, end = min(begin + sum_terms_of_block, n);
  double sum = 0;
  for (int64_t i = begin + int64_t{threadIdx.x}; i < end; i += sum_threads) sum += static_cast<double>(f(i));
  sum = block_sum(sum, shared.array<double>(sum_warps));
  if (threadIdx.x == 0) store(parts + blockIdx.x, sum);
}

// One block adds the runs.
template <class Finish> __global__ void __launch_bounds__(sum_threads) sum_parts_kernel(int64_t count, const double* parts, Finish finish) {
  Shared shared;
  double sum = 0;
  for (int64_t i = int64_t{threadIdx.x}; i < count; i += sum_threads) sum += load<double>(parts + i);
  sum = block_sum(sum, shared.array<double>(sum_warps));
  if (threadIdx.x == 0) finish(sum);
}

}  // namespace detail

template <class Finish> void join_parts(const char* name, int64_t count, const double* parts, const Finish& finish) {
  launch(name, {1}, {sum_threads}, SharedSize().array<double>(sum_warps).bytes(), compute_stream(), detail::sum_parts_kernel<Finish>, count,
         parts, finish);
}

template <class F, class Finish> void sum_terms(const char* name, int64_t n, const F& f, const Finish& finish, double* parts) {
  const int64_t count = sum_parts(n);
  if (count > 0)
    launch(name, {count}, {sum_threads}, SharedSize().array<double>(sum_warps).bytes(), compute_stream(), detail::sum_terms_kernel<F>, n, f,
           parts);
  join_parts(name, count, parts, finish);
}

}  // namespace mr::gpu
