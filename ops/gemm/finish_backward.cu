#include <algorithm>

#include "ops/gemm/finish_backward_gpu.h"
#include "ops/gemm/sum_parts.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int threads = 256;

template <class T> struct Rows {
  const T *gy, *y;  // y null: no ReLU
  T* g;
  acc_t<T>* part;  // [blocks along y, channels], or null
  int64_t rows, channels, rows_a_block;
};

// A block takes rows_a_block rows of a strip of channels: threadIdx.x packs of N neighbouring channels, threadIdx.y the rows in turn, so that a
// warp reads whole sectors. Each thread sums its rows in order, the block's sums are added up through shared memory in order of threadIdx.y.
template <class T, int N> __global__ void __launch_bounds__(threads) finish_backward_kernel(Rows<T> r) {
  using A = acc_t<T>;
  const int64_t c = N * (int64_t{blockIdx.x} * int64_t{blockDim.x} + int64_t{threadIdx.x});
  const int64_t begin = int64_t{blockIdx.y} * r.rows_a_block, end = min(begin + r.rows_a_block, r.rows);
  A sum[N] = {};
  if (c < r.channels)
    for (int64_t row = begin + int64_t{threadIdx.y}; row < end; row += int64_t{blockDim.y}) {
      const int64_t at = row * r.channels + c;
      auto v = load<Pack<T, N>>(r.gy + at);
      if (r.y) {
        const auto y = load<Pack<T, N>>(r.y + at);
        MR_UNROLL
        for (int k = 0; k < N; ++k)
          if (!(static_cast<A>(y[k]) > 0)) v[k] = T(A(0));
        store(r.g + at, v);
      }
      MR_UNROLL
      for (int k = 0; k < N; ++k) sum[k] += static_cast<A>(v[k]);
    }
  if (!r.part) return;
  Shared shared;
  const auto sums = shared.array<A>(threads * N);
  const int number = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  MR_UNROLL
  for (int k = 0; k < N; ++k) sums[k * threads + number] = sum[k];
  __syncthreads();
  if (threadIdx.y > 0 || c >= r.channels) return;
  MR_UNROLL
  for (int k = 0; k < N; ++k) {
    A total = 0;
    for (int i = number; i < threads; i += static_cast<int>(blockDim.x)) total += sums[k * threads + i];
    store(r.part + int64_t{blockIdx.y} * r.channels + c + k, total);
  }
}

template <int N, class T> void launch_rows(const Rows<T>& r, int64_t blocks) {
  const int64_t packs = r.channels / N;
  int64_t across = 1;
  while (across < packs && across < 32) across *= 2;
  launch("finish_backward", {(packs + across - 1) / across, blocks}, {across, threads / across},
         SharedSize().array<acc_t<T>>(threads * N).bytes(), compute_stream(), finish_backward_kernel<T, N>, r);
}

}  // namespace

FinishGrad finish_backward(const Tensor& gy, const Tensor& y, const Tensor& g, bool want_sums) {
  constexpr int64_t most_blocks = 512, fewest_rows = 64;
  FinishGrad out{g, {}};
  const int64_t channels = gy.size(-1), rows = channels ? gy.numel() / channels : 0;
  const int64_t rows_a_block = std::max(fewest_rows, (rows + most_blocks - 1) / most_blocks),
                blocks = (rows + rows_a_block - 1) / rows_a_block;
  dispatch_float(gy.dtype(), "finish_backward", [&]<class T>(T) {
    using A = acc_t<T>;
    const Tensor parts = want_sums ? Tensor::empty({blocks, channels}, dtype_of<A>(), gy.device()) : Tensor();
    const Rows<T> r{gy.device_data<T>(), y.device_data<T>(), g.device_data<T>(), parts.device_data<A>(), rows, channels, rows_a_block};
    constexpr int lanes = 16 / sizeof(T);
    const auto aligned = [](const T* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; };
    if (gy.numel() > 0) {
      if (channels % lanes == 0 && aligned(r.gy) && aligned(r.y) && aligned(r.g))
        launch_rows<lanes>(r, blocks);
      else
        launch_rows<1>(r, blocks);
    }
    if (!want_sums) return;
    out.sums = Tensor::empty({channels}, dtype_of<A>(), gy.device());
    sum_parts<A>("finish_backward_sum", blocks, channels, parts.device_data<A>(), out.sums.device_data<A>());
  });
  return out;
}

}  // namespace mr::gpu
