#include "ops/elementwise/concat.h"

#include <cstring>

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

}  // namespace

Var concat_rows(const std::vector<Var>& xs) {
  check(!xs.empty(), "concat_rows: expected at least one tensor, got none");
  const Shape& first = xs[0].shape();
  check(first.rank() >= 1, "concat_rows: expected tensors with a leading axis, got ", first);
  int64_t rows = 0;
  for (const Var& x : xs) {
    check(x.shape().rank() == first.rank() && with_rows(x.shape(), 0) == with_rows(first, 0),
          "concat_rows: sizes after the first axis must agree, got ", first, " and ", x.shape());
    check(x.value().device() == xs[0].value().device(), "concat_rows: devices must agree, got ", xs[0].value().device(), " and ",
          x.value().device());
    check(x.dtype() == xs[0].dtype(), "concat_rows: types must agree, got ", xs[0].dtype(), " and ", x.dtype());
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

}  // namespace mr
