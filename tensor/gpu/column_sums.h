// Sums down the rows of [rows, C], in an order that the shape alone decides. A block takes a run of rows; each of its threads adds every
// height-th row of N channels, then the threads of a column are added as a tree in shared memory.
//
//   template <class T> struct Totals {
//     using Sum = acc_t<T>;
//     const T* x;
//     Sum* sums;                                                               // [blocks, C]
//     …
//     template <int N> __device__ void at(const Columns<N, Sum>& columns) const {    // all threads of a block come here
//       LaneArray<Sum, N> sum = {};
//       if (columns.inside)
//         for (int row = begin + columns.y; row < end; row += columns.height) …  // sum += x[row, columns.c …]
//       sum = columns.sum(sum);                                                // the total, in every thread of the column
//       if (columns.leader) store_wide(sums + blockIdx.x * C + columns.c, sum);
//     }
//   };
//   for_columns<T>("totals", blocks, C, Totals<T>{…}, x, sums);                // blockIdx.x is the run
#pragma once

#include "tensor/gpu/channels.h"

namespace mr::gpu {

struct Plus {
  template <class A> __device__ A operator()(A a, A b) const { return a + b; }
};
struct Larger {
  template <class A> __device__ A operator()(A a, A b) const { return max(a, b); }
};

template <int N, class A> struct Columns {
  SharedArray<A> shared;  // [N, threads of the block]
  int c, y, height;       // its first channel; which rows it takes: y, y + height, …
  bool inside, leader;    // whether the channels are inside C; of those threads, the one of the column that writes

  // Every thread of the block must come. M ≤ N values.
  template <int M> __device__ LaneArray<A, M> sum(LaneArray<A, M> v) const { return reduce(v, Plus{}); }
  template <int M> __device__ LaneArray<A, M> largest(LaneArray<A, M> v) const { return reduce(v, Larger{}); }

  template <int M, class Op> __device__ LaneArray<A, M> reduce(LaneArray<A, M> v, Op op) const {
    const int width = static_cast<int>(blockDim.x), here = y * width + static_cast<int>(threadIdx.x);
    __syncthreads();  // an earlier one may still be read
    MR_UNROLL
    for (int k = 0; k < M; ++k) shared[k * ChannelBlock::threads + here] = v[k];
    for (int d = height / 2; d > 0; d /= 2) {
      __syncthreads();
      if (y >= d) continue;
      MR_UNROLL
      for (int k = 0; k < M; ++k) {
        const A other = shared[k * ChannelBlock::threads + here + d * width];
        v[k] = op(v[k], other);
        shared[k * ChannelBlock::threads + here] = v[k];
      }
    }
    __syncthreads();
    MR_UNROLL
    for (int k = 0; k < M; ++k) v[k] = shared[k * ChannelBlock::threads + static_cast<int>(threadIdx.x)];
    return v;
  }
};

namespace detail {

template <int N, class F> __global__ void __launch_bounds__(ChannelBlock::threads) columns_kernel(int packs, F f) {
  using A = typename F::Sum;
  Shared shared;
  const int64_t pack = int64_t{blockIdx.y} * int64_t{blockDim.x} + int64_t{threadIdx.x};
  const int y = static_cast<int>(threadIdx.y);
  f.template at<N>(Columns<N, A>{shared.array<A>(N * ChannelBlock::threads), static_cast<int>(N * pack), y, static_cast<int>(blockDim.y),
                                 pack < packs, pack < packs && y == 0});
}

}  // namespace detail

template <class T, class F, class... P> void for_columns(const char* name, int64_t blocks, int64_t channels, const F& f, const P*... p) {
  if (blocks == 0 || channels == 0) return;
  const auto run = [&]<int N>(std::integral_constant<int, N>) {
    const int64_t packs = channels / N;
    const ChannelBlock block(packs);
    const size_t bytes = SharedSize().array<typename F::Sum>(static_cast<size_t>(N) * ChannelBlock::threads).bytes();
    launch(name, {blocks, block.columns(packs)}, {block.x, block.y}, bytes, compute_stream(), detail::columns_kernel<N, F>,
           static_cast<int>(packs), f);
  };
  if (in_packs<pack_of<T>>(channels, p...))
    run(std::integral_constant<int, pack_of<T>>{});
  else
    run(std::integral_constant<int, 1>{});
}

// sums [segments, C] = parts [segments, runs, C] added over the runs, in f64. A block takes a segment.
template <class A, class To> struct JoinRuns {
  using Sum = double;
  const A* parts;
  To* sums;
  int runs;
  int64_t C;

  template <int N> __device__ void at(const Columns<N, double>& columns) const {
    LaneArray<double, N> sum = {};
    if (columns.inside)
      for (int r = columns.y; r < runs; r += columns.height) {
        const auto v = load_wide<N>(parts + (int64_t{blockIdx.x} * runs + r) * C + columns.c);
        MR_UNROLL
        for (int k = 0; k < N; ++k) sum[k] += v[k];
      }
    sum = columns.sum(sum);
    if (!columns.leader) return;
    MR_UNROLL
    for (int k = 0; k < N; ++k) store(sums + int64_t{blockIdx.x} * C + columns.c + k, static_cast<To>(sum[k]));
  }
};
template <class A, class To> void join_runs(const A* parts, int64_t segments, int64_t runs, int64_t channels, To* sums) {
  for_columns<A>("join_runs", segments, channels, JoinRuns<A, To>{parts, sums, static_cast<int>(runs), channels}, parts);
}

// `rows` cut into runs, so many that they fill a GPU and few enough that their sums are soon joined.
struct RowRuns {
  int64_t rows, of_run, count;
  explicit RowRuns(int64_t all) : rows(all), of_run(std::max<int64_t>(64, (all + 511) / 512)), count((all + of_run - 1) / of_run) {}
};

}  // namespace mr::gpu
