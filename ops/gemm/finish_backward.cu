#include "ops/gemm/gemm_gpu.h"
#include "tensor/gpu/column_sums.h"

namespace mr::gpu {
namespace {

// A block takes a run of rows: through the ReLU, and the sum of what comes through.
template <class T> struct FinishRun {
  using Sum = acc_t<T>;
  const T* gy;
  const T* y;  // null: no ReLU
  T* g;        // null where g is gy itself
  Sum* parts;  // [runs, C], or null
  int64_t rows, of_run, C;

  template <int N> __device__ void at(const Columns<N, Sum>& columns) const {
    const int64_t begin = int64_t{blockIdx.x} * of_run, end = min(begin + of_run, rows);
    LaneArray<Sum, N> sum = {};
    if (columns.inside)
      for (int64_t row = begin + columns.y; row < end; row += columns.height) {
        const int64_t at = row * C + columns.c;
        auto v = load_lanes<N>(gy + at);
        if (y) {
          const auto through = load_lanes<N>(y + at);
          MR_UNROLL
          for (int k = 0; k < N; ++k) v[k] = through[k] > 0 ? v[k] : 0;
        }
        if (g) store_lanes(g + at, v);
        MR_UNROLL
        for (int k = 0; k < N; ++k) sum[k] += v[k];
      }
    if (!parts) return;
    sum = columns.sum(sum);
    if (columns.leader) store_wide(parts + int64_t{blockIdx.x} * C + columns.c, sum);
  }
};

}  // namespace

void finish_backward(const Tensor& gy, const Tensor& y, const Tensor& g, Tensor* sums) {
  const int64_t C = gy.size(-1), rows = C > 0 ? gy.numel() / C : 0;
  dispatch_float(gy.dtype(), "finish_backward", [&]<class T>(T) {
    using A = acc_t<T>;
    const RowRuns runs(rows);
    const Tensor parts = sums ? Tensor::empty({runs.count, C}, dtype_of<A>(), gy.device()) : Tensor();
    const FinishRun<T> f{
        gy.device_data<T>(), y.device_data<T>(), y.defined() ? g.device_data<T>() : nullptr, parts.device_data<A>(), rows, runs.of_run, C};
    for_columns<T>("finish_backward", runs.count, C, f, f.gy, f.y, f.g, f.parts);
    if (!sums) return;
    *sums = Tensor::empty({C}, dtype_of<A>(), gy.device());
    join_runs(f.parts, 1, runs.count, C, sums->device_data<A>());
  });
}

}  // namespace mr::gpu
