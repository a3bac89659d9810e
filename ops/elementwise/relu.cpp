#include "ops/elementwise/relu.h"

#include "ops/kernel.h"

namespace mr {

Var relu(const Var& x) {
  const Tensor y = Tensor::empty_like(x.value());
  dispatch_float(y.dtype(), "relu", [&]<class T>(T) {
    map_lanes(
        y.numel(), y.data<T>(), [](auto v) { return v < 0 ? decltype(v){} : v; }, x.value().data<T>());
  });
  return record("relu", NoOptions{}, {x}, y, [y](Grads& g) {
    const Tensor gx = reuse(g.out());
    dispatch_float(y.dtype(), "relu", [&]<class T>(T) {
      map_lanes(
          y.numel(), gx.data<T>(), [](auto gy, auto v) { return v <= 0 ? decltype(gy){} : gy; }, g.out().data<T>(), y.data<T>());
    });
    g.give(0, gx);
  });
}

}  // namespace mr
