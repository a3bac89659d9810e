#include "ops/elementwise/add.h"

#include "ops/kernel.h"

namespace mr {

Var add(const Var& a, const Var& b) {
  check(a.shape() == b.shape(), "add: a and b must have the same shape, got ", a.shape(), " and ", b.shape());
  check(a.dtype() == b.dtype(), "add: a and b must have the same type, got ", a.dtype(), " and ", b.dtype());
  const Tensor y = Tensor::empty_like(a.value());
  dispatch_float(y.dtype(), "add", [&]<class T>(T) {
    map_lanes(
        y.numel(), y.data<T>(), [](auto u, auto v) { return u + v; }, a.value().data<T>(), b.value().data<T>());
  });
  return record("add", NoOptions{}, {a, b}, y, [](Grads& g) {
    g.give(0, g.out());
    g.give(1, g.out());
  });
}

}  // namespace mr
