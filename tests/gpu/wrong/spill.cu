// Kernels that do not stay in their registers, for the test of scripts/kernels: an index known only at run time keeps an array in local memory,
// and 32 registers a thread do not hold 64 sums. In f64 both are allowed.
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

template <class T> __global__ void stack_kernel(const int* at, T* y) {
  T v[8];
  for (int i = 0; i < 8; ++i) v[i] = T(at[i]);
  for (int i = 0; i < 8; ++i) v[at[i]] += T(i);
  for (int i = 0; i < 8; ++i) y[i] = v[at[i]];
}

template <class T> __global__ void __launch_bounds__(1024, 2) spill_kernel(const T* x, T* y, int n) {
  T sum[64] = {};
  for (int k = 0; k < n; ++k) {
    MR_UNROLL
    for (int i = 0; i < 64; ++i) sum[i] += x[k + i] * x[k];
  }
  MR_UNROLL
  for (int i = 0; i < 64; ++i) y[threadIdx.x * 64 + i] = sum[i];
}

}  // namespace

template <class T> void planted(Stream& stream, const int* at, T* y) {
  launch("stack", {1}, {1}, 0, stream, stack_kernel<T>, at, y);
  launch("spill", {1}, {1024}, 0, stream, spill_kernel<T>, static_cast<const T*>(y), y, 100);
}
template void planted(Stream&, const int*, float*);
template void planted(Stream&, const int*, double*);

}  // namespace mr::gpu
