#include "ops/loss/smooth_l1.h"

#include <cmath>

#include "ops/loss/reduce.h"

namespace mr {
namespace {

constexpr int64_t grain = 4096;

struct SmoothL1Options {
  double beta, divisor;
  void visit(OptionVisitor& v) const {
    v.field("beta", beta);
    v.field("divisor", divisor);
  }
};

template <class A> A smooth(A d, A beta) {
  const A a = std::abs(d);
  return a < beta ? A(0.5) * d * d / beta : a - A(0.5) * beta;
}

template <class A> A smooth_gradient(A d, A beta) {
  if (std::abs(d) < beta) return d / beta;
  return d > 0 ? A(1) : d < 0 ? A(-1) : d;  // 0 at 0; NaN stays NaN
}

void check_options(const char* op, double beta, double divisor, int64_t terms) {
  check(beta >= 0, op, ": beta must be 0 or more, got ", beta);
  check_divisor(op, divisor, terms);
}

}  // namespace

Var smooth_l1(const Var& pred, const Tensor& target, double beta, double divisor) {
  const Tensor x = pred.value();
  const Tensor t = check_like("smooth_l1", "target", target, x.shape(), x.dtype());
  check_options("smooth_l1", beta, divisor, x.numel());
  const double sum = dispatch_float(x.dtype(), "smooth_l1", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* xv = x.data<T>();
    const A* tv = t.data<A>();
    return sum_blocks(x.numel(), grain, [=, b = static_cast<A>(beta)](int64_t i) { return smooth(static_cast<A>(xv[i]) - tv[i], b); });
  });
  return record("smooth_l1", SmoothL1Options{beta, divisor}, {pred}, loss_value(sum, divisor, x.dtype()), [x, t, beta, divisor](Grads& g) {
    const Tensor gx = Tensor::empty_like(x);
    dispatch_float(x.dtype(), "smooth_l1", [&]<class T>(T) {
      using A = acc_t<T>;
      const T* xv = x.data<T>();
      const A* tv = t.data<A>();
      const A factor = static_cast<A>(g.out().at(0) / divisor), b = static_cast<A>(beta);
      T* to = gx.data<T>();
      parallel_for(x.numel(), grain, [=](int64_t i) { to[i] = T(factor * smooth_gradient(static_cast<A>(xv[i]) - tv[i], b)); });
    });
    g.give(0, gx);
  });
}

Var class_box_loss(const Var& deltas, const Tensor& labels, const Tensor& targets, double beta, double divisor) {
  const Tensor x = deltas.value();
  check(x.rank() == 2 && x.size(1) % 4 == 0, "class_box_loss: deltas must be [R,4(K+1)], got ", x.shape());
  const int64_t R = x.size(0), columns = x.size(1);
  const Tensor t = check_like("class_box_loss", "targets", targets, {R, 4}, x.dtype());
  check_labels("class_box_loss", labels, R, columns / 4);
  check_options("class_box_loss", beta, divisor, R);
  const double sum = dispatch_float(x.dtype(), "class_box_loss", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* xv = x.data<T>();
    const A* tv = t.data<A>();
    const int32_t* kv = labels.data<int32_t>();
    return sum_blocks(4 * R, grain, [=, b = static_cast<A>(beta)](int64_t i) -> A {
      const int64_t r = i / 4, j = i % 4;
      return kv[r] > 0 ? smooth(static_cast<A>(xv[r * columns + 4 * kv[r] + j]) - tv[i], b) : 0;
    });
  });
  return record("class_box_loss", SmoothL1Options{beta, divisor}, {deltas}, loss_value(sum, divisor, x.dtype()),
                [x, t, labels, beta, divisor, columns](Grads& g) {
                  const Tensor gx = Tensor::zeros(x.shape(), x.dtype());
                  dispatch_float(x.dtype(), "class_box_loss", [&]<class T>(T) {
                    using A = acc_t<T>;
                    const T* xv = x.data<T>();
                    const A* tv = t.data<A>();
                    const int32_t* kv = labels.data<int32_t>();
                    const A factor = static_cast<A>(g.out().at(0) / divisor), b = static_cast<A>(beta);
                    T* to = gx.data<T>();
                    parallel_for(t.numel(), grain, [=](int64_t i) {
                      const int64_t r = i / 4, at = r * columns + 4 * kv[r] + i % 4;
                      if (kv[r] > 0) to[at] = T(factor * smooth_gradient(static_cast<A>(xv[at]) - tv[i], b));
                    });
                  });
                  g.give(0, gx);
                });
}

}  // namespace mr
