// Elementwise kernels: y[i] = f(x[i]…), each thread 16 bytes of the widest operand.
//
//   struct Twice { template <class V> MR_HD V operator()(V v) const { return v + v; } };
//   map("twice", n, y, Twice{}, x);          // queued on compute_stream(); pointers to device memory, y may be one of the x
//
// f takes and gives the accumulation type of its operands (f32 for bf16).
#pragma once

#include <algorithm>

#include "tensor/dtype.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace detail {

template <class T, int N, class F, class... X> __device__ void map_pack(T* y, const F& f, const Pack<X, N>&... x) {
  Pack<T, N> r;
  MR_UNROLL
  for (int k = 0; k < N; ++k) r[k] = convert<T>(f(static_cast<acc_t<X>>(x[k])...));
  store(y, r);
}

template <int N, class T, class F, class... X> __global__ void map_kernel(int64_t n, T* y, F f, const X*... x) {
  const int64_t i = N * (int64_t{blockIdx.x} * int64_t{blockDim.x} + int64_t{threadIdx.x});
  if (i + N <= n) {
    map_pack<T, N>(y + i, f, load<Pack<X, N>>(x + i)...);
  } else {
    for (int64_t k = i; k < n; ++k) map_pack<T, 1>(y + k, f, load<Pack<X, 1>>(x + k)...);
  }
}

template <int N, class T, class F, class... X> void map_packs(const char* name, int64_t n, T* y, const F& f, const X*... x) {
  constexpr int64_t threads = 256;
  const int64_t blocks = (n + threads * N - 1) / (threads * N);
  launch(name, {blocks}, {threads}, 0, compute_stream(), map_kernel<N, T, F, X...>, n, y, f, x...);
}

}  // namespace detail

template <class T, class F, class... X> void map(const char* name, int64_t n, T* y, const F& f, const X*... x) {
  if (n == 0) return;
  constexpr int lanes = 16 / std::max({sizeof(T), sizeof(X)...});
  const auto aligned = [](const auto* p) { return reinterpret_cast<uintptr_t>(p) % (sizeof(*p) * lanes) == 0; };
  if (aligned(y) && (aligned(x) && ...))
    detail::map_packs<lanes>(name, n, y, f, x...);
  else
    detail::map_packs<1>(name, n, y, f, x...);
}

}  // namespace mr::gpu
