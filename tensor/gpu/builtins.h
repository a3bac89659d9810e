// The one header through which a kernel sees CUDA's built-ins, and the one place of their macros. Under nvcc they are CUDA's; in the emulated
// build they stand here: what follows is plain C++, and a kernel source (*.cu) compiles as C++ against it.
//
// There for both: __global__ __device__ __host__ __forceinline__ __launch_bounds__ __restrict__, threadIdx blockIdx blockDim gridDim,
// __syncthreads[_count|_and|_or] __syncwarp, __shfl[_up|_down|_xor]_sync, __ballot_sync __any_sync __all_sync, atomicAdd Max Min Exch CAS, __threadfence,
// min max rsqrtf __fmaf_rn __fma_rn __popc __ffs __clz, <cmath>; MR_UNROLL before a loop of known length, MR_UNROLL_BY(n) before another: nvcc
// itself unrolls by 4, for which a kernel may lack the registers.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "tensor/gpu/built.h"
#include "tensor/gpu/dim.h"
#include "tensor/hd.h"

#if defined(__CUDACC__)

#define MR_UNROLL _Pragma("unroll")
#define MR_PRAGMA(text) _Pragma(#text)
#define MR_UNROLL_BY(n) MR_PRAGMA(unroll n)

#elif defined(MR_GPU_EMULATED)

#include "tensor/gpu/emulated/atomics.h"
#include "tensor/gpu/emulated/warp.h"

#if defined(__clang__)
#define MR_UNROLL _Pragma("unroll")
#else
#define MR_UNROLL _Pragma("GCC unroll 64")
#endif
#define MR_UNROLL_BY(n)

// NOLINTBEGIN(bugprone-reserved-identifier): the names are CUDA's
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define threadIdx (::mr::gpu::emulated::thread_index())
#define blockIdx (::mr::gpu::emulated::block_index())
#define blockDim (::mr::gpu::emulated::block_extent())
#define gridDim (::mr::gpu::emulated::grid_extent())

template <class T>
requires std::is_arithmetic_v<T>
constexpr T min(T a, T b) { return b < a ? b : a; }
template <class T>
requires std::is_arithmetic_v<T>
constexpr T max(T a, T b) { return a < b ? b : a; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(static_cast<unsigned>(v)); }
inline void __threadfence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
// NOLINTEND(bugprone-reserved-identifier)

#else
#error "a kernel source: build it with the preset emulated or cuda"
#endif
