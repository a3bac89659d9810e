// The instructions that have no CUDA function, wrapped: asynchronous copies to shared memory, ldmatrix, and the matrix units. All PTX of the
// project stands here; for the emulated device the same functions are in tensor/gpu/emulated/ptx.h.
//
// Source: PTX ISA, "cp.async", "ldmatrix", "mma". In what follows g = lane / 4 and t = lane % 4.
//
//   cp_async<16>(tile + i, x + j);           16, 8 or 4 bytes, aligned to their number, on their way to shared memory
//   cp_async<16>(tile + i, x + j, inside);   zeros where `inside` is false; x + j is then not read
//   cp_async_commit();                       what this thread has begun since the last commit is one group
//   cp_async_wait<1>();                      all of this thread's groups but the newest 1 have landed. For other threads: __syncthreads next
//
//   ldmatrix(r, row);                        r: uint32_t[1], [2] or [4]; one 8×8 matrix of 16-bit elements a register. Lane l gives the address
//                                            of row l % 8 of matrix l / 8 (16 bytes, aligned) and receives elements (g, 2t) and (g, 2t + 1)
//   ldmatrix_trans(r, row);                  receives elements (2t, g) and (2t + 1, g)
//
//   mma_bf16(d, a, b);   d += a·b   16×8 += 16×16 · 16×8, bf16 in, f32 out. Two bf16 a register, the lower column (a) or row (b) in the low half:
//                                   a[0] (g, 2t‥)  a[1] (g+8, 2t‥)  a[2] (g, 2t+8‥)  a[3] (g+8, 2t+8‥)    b[0] (2t‥, g)  b[1] (2t+8‥, g)
//   mma_tf32(d, a, b);   d += a·b   16×8 += 16×8 · 8×8, f32 bits of which the matrix unit reads the upper 19 (to_tf32 rounds to those):
//                                   a[0] (g, t)  a[1] (g+8, t)  a[2] (g, t+4)  a[3] (g+8, t+4)            b[0] (t, g)  b[1] (t+4, g)
//                                   both:  d[0] (g, 2t)  d[1] (g, 2t+1)  d[2] (g+8, 2t)  d[3] (g+8, 2t+1)
//   mma_f64(d, a, b);    d += a·b   8×8 += 8×4 · 4×8:   a (g, t)   b (t, g)   d[0] (g, 2t)  d[1] (g, 2t+1)
//
// ldmatrix and mma are for a whole warp: all 32 lanes come, or it is an error. How a matrix unit rounds its sum is not specified; emulated, it
// is summed in f64 and rounded once.
#pragma once

#include "tensor/gpu/shared.h"

#if defined(__CUDACC__)

namespace mr::gpu {

namespace detail {
template <class T> __device__ __forceinline__ uint32_t shared_address(const T* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}
}  // namespace detail

template <int bytes, class T> __device__ __forceinline__ void cp_async(T* to, const T* from, bool inside = true) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
  const int from_bytes = inside ? bytes : 0;
  if constexpr (bytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(detail::shared_address(to)), "l"(from), "r"(from_bytes) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(detail::shared_address(to)), "l"(from), "n"(bytes), "r"(from_bytes)
                 : "memory");
}

__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int groups> __device__ __forceinline__ void cp_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory"); }

template <class T> __device__ __forceinline__ void ldmatrix(uint32_t (&r)[1], const T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(detail::shared_address(row)) : "memory");
}
template <class T> __device__ __forceinline__ void ldmatrix(uint32_t (&r)[2], const T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(detail::shared_address(row))
               : "memory");
}
template <class T> __device__ __forceinline__ void ldmatrix(uint32_t (&r)[4], const T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(detail::shared_address(row))
               : "memory");
}
template <class T> __device__ __forceinline__ void ldmatrix_trans(uint32_t (&r)[1], const T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(detail::shared_address(row)) : "memory");
}
template <class T> __device__ __forceinline__ void ldmatrix_trans(uint32_t (&r)[2], const T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(detail::shared_address(row))
               : "memory");
}
template <class T> __device__ __forceinline__ void ldmatrix_trans(uint32_t (&r)[4], const T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(detail::shared_address(row))
               : "memory");
}

__device__ __forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void mma_f64(double (&d)[2], double a, double b) {
  asm volatile("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};" : "+d"(d[0]), "+d"(d[1]) : "d"(a), "d"(b));
}

// To the nearest of 10 mantissa bits, ties away from zero.
__device__ __forceinline__ uint32_t to_tf32(float v) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(v));
  return bits;
}

}  // namespace mr::gpu

#else

#include "tensor/gpu/emulated/ptx.h"

#endif
