// tensor/gpu/ptx.h for the emulated device; what each does is described there.
#pragma once

#include <cstdint>

#include "tensor/gpu/emulated/shared.h"

namespace mr::gpu {
namespace emulated {

void begin_copy(const SharedSpan& to, int64_t i, const void* from, int bytes, bool inside, const Location& at);
void commit_copies();
void wait_copies(int64_t newest);
void load_matrices(const SharedSpan& a, int64_t row, int matrices, bool transposed, uint32_t* r, const Location& at);

}  // namespace emulated

template <int bytes, class T>
void cp_async(const emulated::SharedArray<T>& to, const T* from, bool inside = true, Location at = Location::current()) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
  static_assert(bytes % sizeof(T) == 0);
  emulated::begin_copy(to.span(), to.origin(), from, bytes, inside, at);
}
inline void cp_async_commit() { emulated::commit_copies(); }
template <int groups> void cp_async_wait() { emulated::wait_copies(groups); }

template <int n, class T> void ldmatrix(uint32_t (&r)[n], const emulated::SharedArray<T>& row, Location at = Location::current()) {
  static_assert(n == 1 || n == 2 || n == 4);
  emulated::load_matrices(row.span(), row.origin(), n, false, r, at);
}
template <int n, class T> void ldmatrix_trans(uint32_t (&r)[n], const emulated::SharedArray<T>& row, Location at = Location::current()) {
  static_assert(n == 1 || n == 2 || n == 4);
  emulated::load_matrices(row.span(), row.origin(), n, true, r, at);
}

void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Location at = Location::current());
void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Location at = Location::current());
void mma_f64(double (&d)[2], double a, double b, Location at = Location::current());
uint32_t to_tf32(float v);

}  // namespace mr::gpu
