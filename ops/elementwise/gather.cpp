#include "ops/elementwise/gather.h"

#include <cstring>

#include "ops/elementwise/gather_gpu.h"
#include "ops/kernel.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

std::vector<int64_t> read_index(const Tensor& index, int64_t rows) {
  std::vector<int64_t> at(static_cast<size_t>(index.numel()));
  if (index.dtype() == DType::i64)
    std::ranges::copy(index.values<int64_t>(), at.begin());
  else
    std::ranges::copy(index.values<int32_t>(), at.begin());
  for (size_t i = 0; i < at.size(); ++i)
    check(-1 <= at[i] && at[i] < rows, "gather_rows: index ", i, " must be in [0, ", rows, ") or -1, got ", at[i]);
  return at;
}

// gx[m, c] = Σ_i gy[i, c] over the run of `order` that holds the i with at[i] = m.
template <class T> void gather_backward(const T* gy, const std::vector<int64_t>& at, int64_t columns, T* gx) {
  std::vector<int64_t> order;  // the rows of y whose index is not −1
  for (size_t i = 0; i < at.size(); ++i)
    if (at[i] >= 0) order.push_back(static_cast<int64_t>(i));
  std::ranges::stable_sort(order, {}, [&](int64_t i) { return at[static_cast<size_t>(i)]; });
  std::vector<int64_t> runs;  // where in `order` each row's run begins
  for (size_t k = 0; k < order.size(); ++k)
    if (k == 0 || at[static_cast<size_t>(order[k])] != at[static_cast<size_t>(order[k - 1])]) runs.push_back(static_cast<int64_t>(k));
  const int64_t rows = static_cast<int64_t>(runs.size());
  runs.push_back(static_cast<int64_t>(order.size()));

  parallel_ranges(rows, grain_of(columns), [&](int64_t begin, int64_t end) {
    with_simd([&]<int W>(Lanes<W>) {
      for (int64_t k = begin; k < end; ++k) {
        const int64_t *first = &order[static_cast<size_t>(runs[static_cast<size_t>(k)])],
                      *last = order.data() + runs[static_cast<size_t>(k + 1)];
        T* row = gx + at[static_cast<size_t>(*first)] * columns;
        for_channels<W>(columns, [=]<int L>(Lanes<L>, int64_t c) {
          Vec<acc_t<T>, L> sum{};
          for (const int64_t* i = first; i < last; ++i) sum += load<L>(gy + *i * columns + c);
          store<L>(row + c, sum);
        });
      }
    });
  });
}

}  // namespace

Var gather_rows(const Var& x, const Tensor& index) {
  check(x.shape().rank() >= 1, "gather_rows: x must have a leading axis, got ", x.shape());
  check(is_float(x.dtype()), "gather_rows: x must be floating, got ", x.dtype());
  check(index.dtype() == DType::i64 || index.dtype() == DType::i32, "gather_rows: index must be i32 or i64, got ", index.dtype());
  check(index.rank() == 1, "gather_rows: index must be a vector, got ", index.shape());
  const Tensor y = Tensor::empty(with_rows(x.shape(), index.numel()), x.dtype(), x.value().device());
  if constexpr (gpu::exists) {
    if (y.on_gpu()) {
      gpu::gather_rows(x.value(), index, y);
      return record("gather_rows", {x}, y, [index, shape = x.shape()](Grads& g) {
        const Tensor gx = Tensor::empty(shape, g.out().dtype(), g.out().device());
        gpu::gather_rows_backward(g.out(), index, gx);
        g.give(0, gx);
      });
    }
  }
  const std::vector<int64_t> at = read_index(index, x.size(0));
  if (y.numel() > 0) {
    const size_t row = y.bytes() / at.size();
    const std::byte* from = x.value().raw();
    std::byte* to = y.raw();
    parallel_for(static_cast<int64_t>(at.size()), grain_of(static_cast<int64_t>(row) / 4), [&](int64_t i) {
      const int64_t m = at[static_cast<size_t>(i)];
      if (m < 0)
        std::memset(to + static_cast<size_t>(i) * row, 0, row);
      else
        std::memcpy(to + static_cast<size_t>(i) * row, from + static_cast<size_t>(m) * row, row);
    });
  }
  return record("gather_rows", {x}, y, [at, shape = x.shape()](Grads& g) {
    const Tensor gx = Tensor::zeros(shape, g.out().dtype());
    if (!at.empty() && gx.numel() > 0)
      dispatch_float(gx.dtype(), "gather_rows",
                     [&]<class T>(T) { gather_backward(g.out().data<T>(), at, gx.numel() / shape[0], gx.data<T>()); });
    g.give(0, gx);
  });
}

}  // namespace mr
