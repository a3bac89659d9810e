// What the kernels of several families share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/tensor.h"

namespace mr {

// How many items a thread takes at once, when one item is `cost` elements of cheap work.
inline int64_t grain_of(int64_t cost) { return std::max<int64_t>(1, 32768 / std::max<int64_t>(1, cost)); }

// Where a gradient shaped like g may be written:
// g itself when nobody else holds its memory, otherwise new memory.
inline Tensor reuse(const Tensor& g) { return g.shares_memory() ? Tensor::empty_like(g) : g; }

// The type a sum over elements of this type is held in: f32 for bf16, otherwise the type itself.
inline DType acc_dtype(DType t) { return t == DType::bf16 ? DType::f32 : t; }

// A tensor seen as rows of its last axis.
inline int64_t channels_of(const Tensor& x) { return x.size(-1); }
inline int64_t rows_of(const Tensor& x) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < x.rank(); ++i) rows *= x.size(i);
  return rows;
}

// s with another number of rows (size of the leading axis).
inline Shape with_rows(const Shape& s, int64_t rows) {
  int64_t sizes[Shape::max_rank];
  std::ranges::copy(s.sizes(), sizes);
  sizes[0] = rows;
  return Shape(std::span<const int64_t>(sizes, static_cast<size_t>(s.rank())));
}

// The lanes of `v` as another type: Vec<float, W> → Vec<int32_t, W>.
template <class To, int W, class From> [[gnu::always_inline]] inline Vec<To, W> convert_lanes(From v) {
  if constexpr (W == 1)
    return static_cast<To>(v);
  else
    return __builtin_convertvector(v, Vec<To, W>);
}

// As for_channels, with K (at the end 1) neighbouring vectors at a time: a walk over a window is
// paid for once for all of them, their sums stay in registers and do not wait for each other.
//   for_channel_groups<W, 4>(C, [&]<int L, int n>(Lanes<L>, Group<n>, int64_t c) { Vec<float, L> sum[n]; … });
template <int n> struct Group {};
template <int W, int K, class F> [[gnu::always_inline]] inline void for_channel_groups(int64_t channels, F&& f) {
  int64_t c = 0;
  for (; c + K * W <= channels; c += K * W) f(Lanes<W>{}, Group<K>{}, c);
  for_channels<W>(channels - c, [&]<int L>(Lanes<L>, int64_t rest) { f(Lanes<L>{}, Group<1>{}, c + rest); });
}

// y[i] = f(x[i]…) for i of [0, n), by vectors. f is a generic lambda on Vec<acc_t<T>, W>,
// W ≥ 1. y may be one of the x.
template <class T, class F, class... X> void map_lanes(int64_t n, T* y, F f, const X*... x) {
  parallel_ranges(n, 1 << 15, [=](int64_t begin, int64_t end) {
    with_simd([=]<int W>(Lanes<W>) {
      for_channels<W>(end - begin, [=]<int L>(Lanes<L>, int64_t i) { store<L>(y + begin + i, f(load<L>(x + begin + i)...)); });
    });
  });
}

}  // namespace mr
