#include "ops/elementwise/mean.h"

#include "ops/elementwise/mean_gpu.h"
#include "ops/loss/reduce.h"

namespace mr {
namespace {

void forward(const Tensor& x, const Tensor& y) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::mean(x, y);
  }
  const int64_t n = x.numel();
  const double sum = dispatch_float(x.dtype(), "mean", [&]<class T>(T) {
    const T* p = x.data<T>();
    return sum_blocks(n, 1 << 15, [p](int64_t i) { return static_cast<double>(p[i]); });
  });
  y.fill_(sum / static_cast<double>(n));
}

void backward_of(const Tensor& gy, const Tensor& gx) {
  if constexpr (gpu::exists) {
    if (gx.on_gpu()) return gpu::mean_backward(gy, gx);
  }
  gx.fill_(gy.at(0) / static_cast<double>(gx.numel()));
}

}  // namespace

Var mean(const Var& x) {
  const Tensor xv = x.value();
  check(is_float(xv.dtype()), "mean: expected a floating type (f32, bf16, f64), got ", xv.dtype());
  check(xv.numel() > 0, "mean: expected elements, got ", xv.shape());
  const Tensor y = Tensor::empty({1}, acc_dtype(xv.dtype()), xv.device());
  forward(xv, y);
  return record("mean", {x}, y, [shape = xv.shape(), dtype = xv.dtype(), device = xv.device()](Grads& g) {
    const Tensor gx = Tensor::empty(shape, dtype, device);
    backward_of(g.out(), gx);
    g.give(0, gx);
  });
}

}  // namespace mr
