#include "ops/loss/smooth_l1.h"

#include "ops/loss/loss_gpu.h"
#include "ops/loss/reduce.h"
#include "ops/loss/rules.h"

namespace mr {
namespace {

constexpr int64_t grain = 4096;

void check_options(const char* op, double beta, const Divisor& divisor, int64_t terms) {
  check(beta >= 0, op, ": beta must be 0 or more, got ", beta);
  check_divisor(op, divisor, terms);
}

Tensor smooth_value(const Tensor& x, const Tensor& t, double beta, const Divisor& divisor) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::smooth_l1(x, t, beta, divisor);
  }
  const double sum = dispatch_float(x.dtype(), "smooth_l1", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* xv = x.data<T>();
    const A* tv = t.data<A>();
    return sum_blocks(x.numel(), grain, [=, b = static_cast<A>(beta)](int64_t i) { return smooth(static_cast<A>(xv[i]) - tv[i], b); });
  });
  return loss_value(sum, divisor.number(), x.dtype());
}

void smooth_backward(const Tensor& x, const Tensor& t, double beta, const Divisor& divisor, const Tensor& gy, const Tensor& gx) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::smooth_l1_backward(x, t, beta, divisor, gy, gx);
  }
  dispatch_float(x.dtype(), "smooth_l1", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* xv = x.data<T>();
    const A* tv = t.data<A>();
    const A factor = static_cast<A>(gy.at(0) / divisor.number()), b = static_cast<A>(beta);
    T* to = gx.data<T>();
    parallel_for(x.numel(), grain, [=](int64_t i) { to[i] = T(factor * smooth_gradient(static_cast<A>(xv[i]) - tv[i], b)); });
  });
}

Tensor class_box_value(const Tensor& x, const Tensor& labels, const Tensor& t, double beta, const Divisor& divisor) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::class_box_loss(x, labels, t, beta, divisor);
  }
  const int64_t columns = x.size(1);
  const double sum = dispatch_float(x.dtype(), "class_box_loss", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* xv = x.data<T>();
    const A* tv = t.data<A>();
    const int32_t* kv = labels.data<int32_t>();
    return sum_blocks(t.numel(), grain, [=, b = static_cast<A>(beta)](int64_t i) -> A {
      const int64_t r = i / 4, j = i % 4;
      return kv[r] > 0 ? smooth(static_cast<A>(xv[r * columns + 4 * kv[r] + j]) - tv[i], b) : 0;
    });
  });
  return loss_value(sum, divisor.number(), x.dtype());
}

void class_box_backward(const Tensor& x, const Tensor& labels, const Tensor& t, double beta, const Divisor& divisor, const Tensor& gy,
                        const Tensor& gx) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::class_box_loss_backward(x, labels, t, beta, divisor, gy, gx);
  }
  gx.fill_(0);
  const int64_t columns = x.size(1);
  dispatch_float(x.dtype(), "class_box_loss", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* xv = x.data<T>();
    const A* tv = t.data<A>();
    const int32_t* kv = labels.data<int32_t>();
    const A factor = static_cast<A>(gy.at(0) / divisor.number()), b = static_cast<A>(beta);
    T* to = gx.data<T>();
    parallel_for(t.numel(), grain, [=](int64_t i) {
      const int64_t r = i / 4, at = r * columns + 4 * kv[r] + i % 4;
      if (kv[r] > 0) to[at] = T(factor * smooth_gradient(static_cast<A>(xv[at]) - tv[i], b));
    });
  });
}

}  // namespace

Var smooth_l1(const Var& pred, const Tensor& target, double beta, const Divisor& divisor) {
  const Tensor x = pred.value();
  const Tensor t = check_like("smooth_l1", "target", target, x.shape(), x.dtype());
  check_options("smooth_l1", beta, divisor, x.numel());
  return record("smooth_l1", {pred}, smooth_value(x, t, beta, divisor), [x, t, beta, divisor](Grads& g) {
    const Tensor gx = Tensor::empty_like(x);
    smooth_backward(x, t, beta, divisor, g.out(), gx);
    g.give(0, gx);
  });
}

Var class_box_loss(const Var& deltas, const Tensor& labels, const Tensor& targets, double beta, const Divisor& divisor) {
  const Tensor x = deltas.value();
  check(x.rank() == 2 && x.size(1) % 4 == 0, "class_box_loss: deltas must be [R,4(K+1)], got ", x.shape());
  const int64_t R = x.size(0);
  const Tensor t = check_like("class_box_loss", "targets", targets, {R, 4}, x.dtype());
  check_labels("class_box_loss", labels, R, x.size(1) / 4);
  check_options("class_box_loss", beta, divisor, R);
  return record("class_box_loss", {deltas}, class_box_value(x, labels, t, beta, divisor), [x, t, labels, beta, divisor](Grads& g) {
    const Tensor gx = Tensor::empty_like(x);
    class_box_backward(x, labels, t, beta, divisor, g.out(), gx);
    g.give(0, gx);
  });
}

}  // namespace mr
