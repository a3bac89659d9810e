#include "ops/elementwise/concat.h"

#include <cstring>

#include "ops/elementwise/concat_gpu.h"
#include "ops/kernel.h"
#include "tensor/gpu/runtime.h"

namespace mr {
namespace {

void copy_rows(const Tensor& from, const Tensor& to) {
  if (from.numel() == 0) return;
  if constexpr (gpu::exists) {
    if (to.on_gpu()) return gpu::copy_async(to.raw(), from.raw(), from.bytes(), gpu::Copy::on_device, gpu::compute_stream());
  }
  constexpr size_t piece = 1 << 17;
  parallel_ranges(static_cast<int64_t>(from.bytes()), piece,
                  [x = from.raw(), y = to.raw()](int64_t b, int64_t e) { std::memcpy(y + b, x + b, static_cast<size_t>(e - b)); });
}

// `columns` of each row, from `from_at` on in one to `to_at` on in the other.
void copy_columns(const Tensor& from, int64_t from_at, const Tensor& to, int64_t to_at, int64_t columns) {
  if (from.numel() == 0 || to.numel() == 0 || columns == 0) return;
  if constexpr (gpu::exists) {
    if (to.on_gpu()) return gpu::copy_columns(from, from_at, to, to_at, columns);
  }
  const auto element = static_cast<int64_t>(to.bytes()) / to.numel();
  const int64_t from_row = channels_of(from) * element, to_row = channels_of(to) * element;
  parallel_for(rows_of(to), grain_of(columns), [=, x = from.raw() + from_at * element, y = to.raw() + to_at * element](int64_t r) {
    std::memcpy(y + r * to_row, x + r * from_row, static_cast<size_t>(columns * element));
  });
}

// s with another number of columns (size of the last axis).
Shape with_columns(const Shape& s, int64_t columns) {
  int64_t sizes[Shape::max_rank];
  std::ranges::copy(s.sizes(), sizes);
  sizes[s.rank() - 1] = columns;
  return Shape(std::span<const int64_t>(sizes, static_cast<size_t>(s.rank())));
}

void check_alike(const char* op, const Var& x, const Var& first) {
  check(x.value().device() == first.value().device(), op, ": devices must agree, got ", first.value().device(), " and ",
        x.value().device());
  check(x.dtype() == first.dtype(), op, ": types must agree, got ", first.dtype(), " and ", x.dtype());
}

}  // namespace

Var concat_rows(const std::vector<Var>& xs) {
  check(!xs.empty(), "concat_rows: expected at least one tensor, got none");
  const Shape& first = xs[0].shape();
  check(first.rank() >= 1, "concat_rows: expected tensors with a leading axis, got ", first);
  int64_t rows = 0;
  for (const Var& x : xs) {
    check(x.shape().rank() == first.rank() && with_rows(x.shape(), 0) == with_rows(first, 0),
          "concat_rows: sizes after the first axis must agree, got ", first, " and ", x.shape());
    check_alike("concat_rows", x, xs[0]);
    rows += x.size(0);
  }
  const Tensor y = Tensor::empty(with_rows(first, rows), xs[0].dtype(), xs[0].value().device());
  std::vector<int64_t> begins;
  int64_t at = 0;
  for (const Var& x : xs) {
    begins.push_back(at);
    copy_rows(x.value(), y.slice(at, at + x.size(0)));
    at += x.size(0);
  }
  begins.push_back(at);
  return record("concat_rows", xs, y, [begins](Grads& g) {
    for (size_t k = 0; k + 1 < begins.size(); ++k) g.give(static_cast<int>(k), g.out().slice(begins[k], begins[k + 1]));
  });
}

Var concat_channels(const std::vector<Var>& xs) {
  check(!xs.empty(), "concat_channels: expected at least one tensor, got none");
  const Shape& first = xs[0].shape();
  check(first.rank() >= 1, "concat_channels: expected tensors with a last axis, got ", first);
  check(is_float(xs[0].dtype()), "concat_channels: expected a floating type, got ", xs[0].dtype());
  std::vector<int64_t> begins = {0};
  for (const Var& x : xs) {
    check(x.shape().rank() == first.rank() && with_columns(x.shape(), 0) == with_columns(first, 0),
          "concat_channels: sizes before the last axis must agree, got ", first, " and ", x.shape());
    check_alike("concat_channels", x, xs[0]);
    begins.push_back(begins.back() + x.size(-1));
  }
  const Tensor y = Tensor::empty(with_columns(first, begins.back()), xs[0].dtype(), xs[0].value().device());
  for (size_t k = 0; k < xs.size(); ++k) copy_columns(xs[k].value(), 0, y, begins[k], xs[k].size(-1));
  return record("concat_channels", xs, y, [begins](Grads& g) {
    for (size_t k = 0; k + 1 < begins.size(); ++k) {
      if (!g.needs(static_cast<int>(k))) continue;
      const int64_t columns = begins[k + 1] - begins[k];
      const Tensor gx = Tensor::empty(with_columns(g.out().shape(), columns), g.out().dtype(), g.out().device());
      copy_columns(g.out(), begins[k], gx, 0, columns);
      g.give(static_cast<int>(k), gx);
    }
  });
}

}  // namespace mr
