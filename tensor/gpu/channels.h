// Kernels over rows of channels (a map [N,H,W,C] has N·H·W): a thread works on N neighbouring channels of one row, 16 bytes where it can.
//
//   template <class T> struct Twice {
//     const T* x;
//     T* y;
//     int64_t C;
//     template <int N> __device__ void at(int row, int c) const {
//       auto v = load_lanes<N>(x + row * C + c);                              // acc_t<T>[N]
//       …
//       store_lanes(y + row * C + c, v);
//     }
//   };
//   for_channels<T>("twice", rows, C, Twice<T>{x, y, C}, x, y);               // queued; x, y: what is read and written in packs
//
//   struct Zero { int* x; __device__ void operator()(int64_t i) const { store(x + i, 0); } };
//   for_each("zero", n, Zero{x});                                             // one element a thread
#pragma once

#include <algorithm>

#include "tensor/dtype.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {

// N values in their accumulation type, what a thread computes with.
template <class A, int N> struct LaneArray {
  A v[N];
  MR_HD A& operator[](int k) { return v[k]; }
  MR_HD const A& operator[](int k) const { return v[k]; }
};
template <int N, class T> __device__ __forceinline__ LaneArray<acc_t<T>, N> load_lanes(const T* p) {
  const auto pack = load<Pack<T, N>>(p);
  LaneArray<acc_t<T>, N> r;
  MR_UNROLL
  for (int k = 0; k < N; ++k) r[k] = static_cast<acc_t<T>>(pack[k]);
  return r;
}
template <class T, int N> __device__ __forceinline__ void store_lanes(T* p, const LaneArray<acc_t<T>, N>& v) {
  Pack<T, N> pack;
  MR_UNROLL
  for (int k = 0; k < N; ++k) pack[k] = convert<T>(v[k]);
  store(p, pack);
}
// The same of values that stand in memory in their accumulation type, in as many packs as it takes.
template <int N, class A> __device__ __forceinline__ LaneArray<A, N> load_wide(const A* p) {
  constexpr int n = N * sizeof(A) <= 16 ? N : static_cast<int>(16 / sizeof(A));
  LaneArray<A, N> r;
  MR_UNROLL
  for (int k = 0; k < N; k += n) {
    const auto pack = load<Pack<A, n>>(p + k);
    MR_UNROLL
    for (int j = 0; j < n; ++j) r[k + j] = pack[j];
  }
  return r;
}
template <class A, int N> __device__ __forceinline__ void store_wide(A* p, const LaneArray<A, N>& v) {
  constexpr int n = N * sizeof(A) <= 16 ? N : static_cast<int>(16 / sizeof(A));
  MR_UNROLL
  for (int k = 0; k < N; k += n) {
    Pack<A, n> pack;
    MR_UNROLL
    for (int j = 0; j < n; ++j) pack[j] = v[k + j];
    store(p + k, pack);
  }
}

// Pixel `row` of maps of H × W.
struct PixelAt {
  int n, h, w;
  MR_HD PixelAt(int row, int H, int W) : n(row / (H * W)), h(row / W % H), w(row % W) {}
};

// A block of threads over rows and channels: x along the packs of a row, so that a warp reads neighbours; y over rows. x is a power of two or
// a multiple of 32, so that a row of shared memory has no bank conflicts; y is a power of two.
struct ChannelBlock {
  int x = 1, y = 1;
  static constexpr int threads = 256;
  explicit ChannelBlock(int64_t packs) {
    if (packs > warp_size)
      x = static_cast<int>(std::min<int64_t>((packs + warp_size - 1) / warp_size * warp_size, threads));
    else
      while (x < packs) x *= 2;
    while (2 * y * x <= threads) y *= 2;
  }
  int64_t columns(int64_t packs) const { return (packs + x - 1) / x; }  // of blocks
};

namespace detail {

template <int N, class F> __global__ void channels_kernel(int rows, int packs, F f) {
  const int64_t row = int64_t{blockIdx.x} * int64_t{blockDim.y} + int64_t{threadIdx.y};
  const int64_t pack = int64_t{blockIdx.y} * int64_t{blockDim.x} + int64_t{threadIdx.x};
  if (row < rows && pack < packs) f.template at<N>(static_cast<int>(row), static_cast<int>(N * pack));
}

template <class F> __global__ void each_kernel(int64_t n, F f) {
  const int64_t i = int64_t{blockIdx.x} * int64_t{blockDim.x} + int64_t{threadIdx.x};
  if (i < n) f(i);
}

}  // namespace detail

constexpr int64_t most_rows = (int64_t{1} << 31) - 1;

// How many channels of T a thread takes at once: 16 bytes, or 1 where a row or a tensor does not begin at a multiple of that.
template <class T> constexpr int pack_of = static_cast<int>(16 / sizeof(T));
template <int lanes, class... P> bool in_packs(int64_t channels, const P*... p) {
  return channels % lanes == 0 && ((reinterpret_cast<uintptr_t>(p) % std::min<size_t>(sizeof(P) * lanes, 16) == 0) && ...);
}

template <class T, class F, class... P> void for_channels(const char* name, int64_t rows, int64_t channels, const F& f, const P*... p) {
  if (rows == 0 || channels == 0) return;
  check(rows <= most_rows && channels <= most_rows, name, ": expected at most ", most_rows, " rows and channels, got ", rows, " and ",
        channels);
  const auto run = [&]<int N>(std::integral_constant<int, N>) {
    const int64_t packs = channels / N;
    const ChannelBlock block(packs);
    launch(name, {(rows + block.y - 1) / block.y, block.columns(packs)}, {block.x, block.y}, 0, compute_stream(),
           detail::channels_kernel<N, F>, static_cast<int>(rows), static_cast<int>(packs), f);
  };
  if (in_packs<pack_of<T>>(channels, p...))
    run(std::integral_constant<int, pack_of<T>>{});
  else
    run(std::integral_constant<int, 1>{});
}

template <class F> void for_each(const char* name, int64_t n, const F& f) {
  if (n == 0) return;
  constexpr int64_t threads = 256;
  launch(name, {(n + threads - 1) / threads}, {threads}, 0, compute_stream(), detail::each_kernel<F>, n, f);
}

}  // namespace mr::gpu
