#include "tensor/rows.h"

#include <cstring>

namespace mr {
namespace {

Shape with_rows(const Shape& s, int64_t rows) {
  int64_t sizes[Shape::max_rank];
  for (int i = 0; i < s.rank(); ++i) sizes[i] = s[i];
  sizes[0] = rows;
  return Shape(std::span<const int64_t>(sizes, static_cast<size_t>(s.rank())));
}

size_t row_bytes(const Tensor& x) {
  size_t bytes = size_of(x.dtype());
  for (int i = 1; i < x.rank(); ++i) bytes *= static_cast<size_t>(x.size(i));
  return bytes;
}

}  // namespace

Tensor take_rows(const Tensor& x, std::span<const int32_t> index) {
  check(x.rank() >= 1, "take_rows: x must have rows, got ", x.shape());
  Tensor y = Tensor::empty(with_rows(x.shape(), static_cast<int64_t>(index.size())), x.dtype(), Device{});
  const size_t row = row_bytes(x);
  for (size_t i = 0; i < index.size(); ++i) {
    check(index[i] >= 0 && index[i] < x.size(0), "take_rows: row ", index[i], " of ", x.shape());
    std::memcpy(y.raw() + i * row, x.raw() + static_cast<size_t>(index[i]) * row, row);
  }
  return y;
}

Tensor join_rows(const std::vector<Tensor>& parts) {
  check(!parts.empty(), "join_rows: nothing to join");
  int64_t rows = 0;
  for (const Tensor& p : parts) {
    check(p.rank() >= 1 && with_rows(p.shape(), 0) == with_rows(parts[0].shape(), 0) && p.dtype() == parts[0].dtype(),
          "join_rows: ", p.shape(), " does not continue ", parts[0].shape());
    rows += p.size(0);
  }
  Tensor y = Tensor::empty(with_rows(parts[0].shape(), rows), parts[0].dtype(), Device{});
  size_t at = 0;
  for (const Tensor& p : parts) {
    std::memcpy(y.raw() + at, p.raw(), p.bytes());
    at += p.bytes();
  }
  return y;
}

}  // namespace mr
