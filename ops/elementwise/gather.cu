#include "ops/elementwise/gather_gpu.h"
#include "ops/elementwise/readers.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

// A thread copies N columns of one row of y; where the index is no row of x they are 0.
template <class T, class I> struct Gather {
  const T* x;      // [M,C]
  const I* index;  // [R]
  T* y;            // [R,C]
  int64_t rows, C;

  template <int N> __device__ void at(int row, int c) const {
    const auto m = static_cast<int64_t>(load<I>(index + row));
    Pack<T, N> v = {};
    if (0 <= m && m < rows) v = load<Pack<T, N>>(x + m * C + c);
    store(y + row * C + c, v);
  }
};

// A thread counts one row of y for the row m of x that it took: how many rows took m, and which was
// the first. These are integers, so that the order of the threads does not matter.
template <class I> struct CountReaders {
  const I* index;
  int* first;  // [M]
  int* count;  // [M]
  int64_t rows;

  __device__ void operator()(int64_t i) const {
    const auto m = static_cast<int64_t>(load<I>(index + i));
    if (m < 0 || m >= rows) return;
    atomicMin(first + m, static_cast<int>(i));
    atomicAdd(count + m, 1);
  }
};

// A thread sums N columns of one row of gx over the rows of gy that it went to, in rising order.
template <class T, class I> struct GatherBackward {
  const T* gy;
  ReadersOf<I> readers;
  T* gx;
  int64_t C;

  template <int N> __device__ void at(int row, int c) const {
    LaneArray<acc_t<T>, N> sum = {};
    readers.each(row, [&](int64_t i) {
      const auto v = load_lanes<N>(gy + i * C + c);
      MR_UNROLL
      for (int k = 0; k < N; ++k) sum[k] += v[k];
    });
    store_lanes(gx + row * C + c, sum);
  }
};

}  // namespace

Readers readers(const Tensor& index, int64_t rows) {
  const Tensor both = Tensor::empty({2, rows}, DType::i32, index.device());
  const Readers r{both.slice(0, 1).reshape({rows}), both.slice(1, 2).reshape({rows})};
  set_async(r.first.raw(), 0x7f, r.first.bytes(), compute_stream());  // beyond every index
  set_async(r.count.raw(), 0, r.count.bytes(), compute_stream());
  with_index(index, [&]<class I>(const I* at) {
    for_each("gather_rows_readers", index.numel(), CountReaders<I>{at, r.first.device_data<int>(), r.count.device_data<int>(), rows});
  });
  return r;
}

void gather_rows(const Tensor& x, const Tensor& index, const Tensor& y) {
  if (y.numel() == 0) return;
  const int64_t columns = y.numel() / y.size(0);
  dispatch_float(x.dtype(), "gather_rows", [&]<class T>(T) {
    with_index(index, [&]<class I>(const I* at) {
      const Gather<T, I> f{x.device_data<T>(), at, y.device_data<T>(), x.size(0), columns};
      for_channels<T>("gather_rows", y.size(0), columns, f, f.x, f.y);
    });
  });
}

void gather_rows_backward(const Tensor& gy, const Tensor& index, const Tensor& gx) {
  if (gx.numel() == 0) return;
  const int64_t rows = gx.size(0), columns = gx.numel() / rows;
  const Readers r = readers(index, rows);
  dispatch_float(gx.dtype(), "gather_rows_backward", [&]<class T>(T) {
    with_index(index, [&]<class I>(const I* at) {
      const GatherBackward<T, I> f{
          gy.device_data<T>(), {at, r.first.device_data<int>(), r.count.device_data<int>()}, gx.device_data<T>(), columns};
      for_channels<T>("gather_rows_backward", rows, columns, f, f.gy, f.gx);
    });
  });
}

}  // namespace mr::gpu
