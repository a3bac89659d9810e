// What the operators share whose second operand may be a vector along the last axis of the first:
// y[r, c] = f(a[r, c], b[c]).
#pragma once

#include "ops/elementwise/map.h"
#include "ops/gemm/finish_backward.h"

namespace mr {
namespace gpu {
// The instances are listed in ops/elementwise/map.cu.
template <class F> void map_rows(const char* op, const F& f, const Tensor& y, const Tensor& a, const Tensor& b);
}  // namespace gpu

inline bool is_row_of(const Tensor& b, const Tensor& a) { return a.rank() > 1 && b.rank() == 1 && b.size(0) == a.size(-1); }

inline void check_operands(const char* op, const Tensor& a, const Tensor& b) {
  check(a.shape() == b.shape() || is_row_of(b, a), op, ": b must have the shape of a, or be a vector along its last axis, got ", a.shape(),
        " and ", b.shape());
  check(a.dtype() == b.dtype(), op, ": a and b must have the same type, got ", a.dtype(), " and ", b.dtype());
}

// y = f(a, b), b of a's shape or a row of it; y may be a.
template <class F> void map_with_row(const char* op, const F& f, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (a.shape() == b.shape()) return map(op, f, y, a, b);
  if constexpr (gpu::exists) {
    if (y.on_gpu()) return gpu::map_rows(op, f, y, a, b);
  }
  const int64_t rows = rows_of(a), channels = channels_of(a);
  dispatch_float(y.dtype(), op, [&]<class T>(T) {
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* py = y.data<T>();
    parallel_ranges(rows, grain_of(channels), [=](int64_t begin, int64_t end) {
      with_simd([=]<int W>(Lanes<W>) {
        for (int64_t r = begin; r < end; ++r) {
          const int64_t at = r * channels;
          for_channels<W>(channels, [=]<int L>(Lanes<L>, int64_t c) { store<L>(py + at + c, f(load<L>(pa + at + c), load<L>(pb + c))); });
        }
      });
    });
  });
}

// The gradient of an operand of shape b from that of all that it was joined with:
// itself, or the sum over the rows.
inline Tensor gradient_of_operand(const Tensor& g, const Shape& b, DType dtype) {
  return (g.shape() == b ? g : finish_backward(g, {}, true).sums).to(dtype);
}

}  // namespace mr
