#include "ops/elementwise/sigmoid.h"

#include <cmath>

#include "ops/kernel.h"

namespace mr {

Var sigmoid(const Var& x) {
  const Tensor y = Tensor::empty_like(x.value());
  dispatch_float(y.dtype(), "sigmoid", [&]<class T>(T) {
    const T* xv = x.value().data<T>();
    T* yv = y.data<T>();
    parallel_for(y.numel(), 4096, [=](int64_t i) {
      const auto v = static_cast<acc_t<T>>(xv[i]);
      const auto e = std::exp(-std::abs(v));
      yv[i] = T((v >= 0 ? 1 : e) / (1 + e));
    });
  });
  return record("sigmoid", NoOptions{}, {x}, y, [y](Grads& g) {
    const Tensor gx = reuse(g.out());
    dispatch_float(y.dtype(), "sigmoid", [&]<class T>(T) {
      map_lanes(
          y.numel(), gx.data<T>(), [](auto gy, auto p) { return gy * p * (1 - p); }, g.out().data<T>(), y.data<T>());
    });
    g.give(0, gx);
  });
}

}  // namespace mr
