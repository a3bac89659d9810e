// The second pass of a sum over many blocks: y[i] = parts[0][i] + parts[1][i] + …, in this order,
// so that the bits do not depend on when the blocks ran. For kernel sources.
#pragma once

#include <cstdint>

#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace detail {

// A thread one element: neighbouring threads read neighbouring elements of each part.
template <class A> __global__ void sum_parts_kernel(int64_t parts, int64_t n, const A* part, A* y) {
  const int64_t i = int64_t{blockIdx.x} * int64_t{blockDim.x} + int64_t{threadIdx.x};
  if (i >= n) return;
  A sum = 0;
  for (int64_t p = 0; p < parts; ++p) sum += load<A>(part + p * n + i);
  store(y + i, sum);
}

}  // namespace detail

// part: [parts, n], y: [n], device memory. With 0 parts y is 0.
template <class A> void sum_parts(const char* name, int64_t parts, int64_t n, const A* part, A* y) {
  if (n > 0) launch(name, {(n + 127) / 128}, {128}, 0, compute_stream(), detail::sum_parts_kernel<A>, parts, n, part, y);
}

}  // namespace mr::gpu
