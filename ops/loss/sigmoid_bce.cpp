#include "ops/loss/sigmoid_bce.h"

#include "ops/loss/loss_gpu.h"
#include "ops/loss/reduce.h"
#include "ops/loss/rules.h"

namespace mr {
namespace {

constexpr int64_t grain = 4096;

Tensor bce_value(const Tensor& z, const Tensor& t, const Tensor& w, const Divisor& divisor) {
  if constexpr (gpu::exists) {
    if (z.on_gpu()) return gpu::sigmoid_bce(z, t, w, divisor);
  }
  const double sum = dispatch_float(z.dtype(), "sigmoid_bce", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* zv = z.data<T>();
    const A *tv = t.data<A>(), *wv = w.defined() ? w.data<A>() : nullptr;
    return sum_blocks(z.numel(), grain, [=](int64_t i) -> A {
      const A weight = tv[i] < 0 ? 0 : wv ? wv[i] : 1;
      return weight == 0 ? 0 : weight * bce(static_cast<A>(zv[i]), tv[i]);
    });
  });
  return loss_value(sum, divisor.number(), z.dtype());
}

void bce_backward(const Tensor& z, const Tensor& t, const Tensor& w, const Divisor& divisor, const Tensor& gy, const Tensor& gz) {
  if constexpr (gpu::exists) {
    if (z.on_gpu()) return gpu::sigmoid_bce_backward(z, t, w, divisor, gy, gz);
  }
  dispatch_float(z.dtype(), "sigmoid_bce", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* zv = z.data<T>();
    const A *tv = t.data<A>(), *wv = w.defined() ? w.data<A>() : nullptr;
    const A factor = static_cast<A>(gy.at(0) / divisor.number());
    T* to = gz.data<T>();
    parallel_for(z.numel(), grain, [=](int64_t i) {
      const A weight = tv[i] < 0 ? 0 : wv ? wv[i] : 1;
      to[i] = T(weight == 0 ? 0 : factor * weight * bce_gradient(static_cast<A>(zv[i]), tv[i]));
    });
  });
}

Tensor mask_value(const Tensor& z, const Tensor& labels, const Tensor& t, const Divisor& divisor) {
  if constexpr (gpu::exists) {
    if (z.on_gpu()) return gpu::mask_loss(z, labels, t, divisor);
  }
  const int64_t pixels = z.size(1) * z.size(2), K = z.size(3);
  const double sum = dispatch_float(z.dtype(), "mask_loss", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* zv = z.data<T>();
    const A* tv = t.data<A>();
    const int32_t* kv = labels.data<int32_t>();
    return sum_blocks(t.numel(), grain, [=](int64_t i) { return bce(static_cast<A>(zv[i * K + kv[i / pixels]]), tv[i]); });
  });
  return loss_value(sum, divisor.number(), z.dtype());
}

void mask_backward(const Tensor& z, const Tensor& labels, const Tensor& t, const Divisor& divisor, const Tensor& gy, const Tensor& gz) {
  if constexpr (gpu::exists) {
    if (z.on_gpu()) return gpu::mask_loss_backward(z, labels, t, divisor, gy, gz);
  }
  const int64_t pixels = z.size(1) * z.size(2), K = z.size(3);
  dispatch_float(z.dtype(), "mask_loss", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* zv = z.data<T>();
    const A* tv = t.data<A>();
    const int32_t* kv = labels.data<int32_t>();
    const A factor = static_cast<A>(gy.at(0) / divisor.number());
    T* to = gz.data<T>();
    parallel_ranges(t.numel(), 1024, [=](int64_t begin, int64_t end) {
      std::fill(to + begin * K, to + end * K, T{});
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = i * K + kv[i / pixels];
        to[at] = T(factor * bce_gradient(static_cast<A>(zv[at]), tv[i]));
      }
    });
  });
}

}  // namespace

Var sigmoid_bce(const Var& logits, const Tensor& targets, const Tensor& weights, const Divisor& divisor) {
  const Tensor z = logits.value();
  const Tensor t = check_like("sigmoid_bce", "targets", targets, z.shape(), z.dtype());
  const Tensor w = weights.defined() ? check_like("sigmoid_bce", "weights", weights, z.shape(), z.dtype()) : Tensor();
  check_divisor("sigmoid_bce", divisor, z.numel());
  return record("sigmoid_bce", {logits}, bce_value(z, t, w, divisor), [z, t, w, divisor](Grads& g) {
    const Tensor gz = Tensor::empty_like(z);
    bce_backward(z, t, w, divisor, g.out(), gz);
    g.give(0, gz);
  });
}

Var mask_loss(const Var& logits, const Tensor& labels, const Tensor& targets) {
  const Tensor z = logits.value();
  check(z.rank() == 4, "mask_loss: logits must be [R,m,m,K], got ", z.shape());
  const int64_t R = z.size(0), pixels = z.size(1) * z.size(2), K = z.size(3);
  const Tensor t = check_like("mask_loss", "targets", targets, {R, z.size(1), z.size(2)}, z.dtype());
  check_labels("mask_loss", labels, R, K);
  const Divisor divisor = over_labels(labels, 0, K, pixels);
  return record("mask_loss", {logits}, mask_value(z, labels, t, divisor), [z, t, labels, divisor](Grads& g) {
    const Tensor gz = Tensor::empty_like(z);
    mask_backward(z, labels, t, divisor, g.out(), gz);
    g.give(0, gz);
  });
}

}  // namespace mr
