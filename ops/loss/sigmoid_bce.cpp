#include "ops/loss/sigmoid_bce.h"

#include <cmath>

#include "ops/loss/reduce.h"

namespace mr {
namespace {

constexpr int64_t grain = 4096;

struct BceOptions {
  double divisor;
  void visit(OptionVisitor& v) const { v.field("divisor", divisor); }
};

template <class A> A bce(A z, A t) { return std::max(z, A(0)) - z * t + std::log1p(std::exp(-std::abs(z))); }

template <class A> A bce_gradient(A z, A t) {  // σ(z) − t
  const A e = std::exp(-std::abs(z));
  return (z >= 0 ? 1 : e) / (1 + e) - t;
}

}  // namespace

Var sigmoid_bce(const Var& logits, const Tensor& targets, const Tensor& weights, double divisor) {
  const Tensor z = logits.value();
  const Tensor t = check_like("sigmoid_bce", "targets", targets, z.shape(), z.dtype());
  const Tensor w = weights.defined() ? check_like("sigmoid_bce", "weights", weights, z.shape(), z.dtype()) : Tensor();
  check_divisor("sigmoid_bce", divisor, z.numel());
  const double sum = dispatch_float(z.dtype(), "sigmoid_bce", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* zv = z.data<T>();
    const A *tv = t.data<A>(), *wv = w.defined() ? w.data<A>() : nullptr;
    return sum_blocks(z.numel(), grain, [=](int64_t i) -> A {
      if (!wv) return bce(static_cast<A>(zv[i]), tv[i]);
      return wv[i] == 0 ? 0 : wv[i] * bce(static_cast<A>(zv[i]), tv[i]);
    });
  });
  return record("sigmoid_bce", BceOptions{divisor}, {logits}, loss_value(sum, divisor, z.dtype()), [z, t, w, divisor](Grads& g) {
    const Tensor gz = Tensor::empty_like(z);
    dispatch_float(z.dtype(), "sigmoid_bce", [&]<class T>(T) {
      using A = acc_t<T>;
      const T* zv = z.data<T>();
      const A *tv = t.data<A>(), *wv = w.defined() ? w.data<A>() : nullptr;
      const A factor = static_cast<A>(g.out().at(0) / divisor);
      T* to = gz.data<T>();
      parallel_for(z.numel(), grain, [=](int64_t i) {
        const A weight = wv ? wv[i] : 1;
        to[i] = T(weight == 0 ? 0 : factor * weight * bce_gradient(static_cast<A>(zv[i]), tv[i]));
      });
    });
    g.give(0, gz);
  });
}

Var mask_loss(const Var& logits, const Tensor& labels, const Tensor& targets) {
  const Tensor z = logits.value();
  check(z.rank() == 4, "mask_loss: logits must be [R,m,m,K], got ", z.shape());
  const int64_t R = z.size(0), pixels = z.size(1) * z.size(2), K = z.size(3);
  const Tensor t = check_like("mask_loss", "targets", targets, {R, z.size(1), z.size(2)}, z.dtype());
  check_labels("mask_loss", labels, R, K);
  const double divisor = static_cast<double>(R * pixels);
  const double sum = dispatch_float(z.dtype(), "mask_loss", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* zv = z.data<T>();
    const A* tv = t.data<A>();
    const int32_t* kv = labels.data<int32_t>();
    return sum_blocks(R * pixels, grain, [=](int64_t i) { return bce(static_cast<A>(zv[i * K + kv[i / pixels]]), tv[i]); });
  });
  return record("mask_loss", NoOptions{}, {logits}, loss_value(sum, divisor, z.dtype()), [z, t, labels, divisor, pixels, K](Grads& g) {
    const Tensor gz = Tensor::empty_like(z);
    dispatch_float(z.dtype(), "mask_loss", [&]<class T>(T) {
      using A = acc_t<T>;
      const T* zv = z.data<T>();
      const A* tv = t.data<A>();
      const int32_t* kv = labels.data<int32_t>();
      const A factor = static_cast<A>(g.out().at(0) / divisor);
      T* to = gz.data<T>();
      parallel_ranges(t.numel(), 1024, [=](int64_t begin, int64_t end) {
        std::fill(to + begin * K, to + end * K, T{});
        for (int64_t i = begin; i < end; ++i) {
          const int64_t at = i * K + kv[i / pixels];
          to[at] = T(factor * bce_gradient(static_cast<A>(zv[at]), tv[i]));
        }
      });
    });
    g.give(0, gz);
  });
}

}  // namespace mr
