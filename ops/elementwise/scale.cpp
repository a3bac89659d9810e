#include "ops/elementwise/scale.h"

#include "ops/kernel.h"

namespace mr {
namespace {

struct ScaleOptions {
  double factor;
  void visit(OptionVisitor& v) const { v.field("factor", factor); }
};

void multiply(const Tensor& x, double factor, const Tensor& y) {
  dispatch_float(x.dtype(), "scale", [&]<class T>(T) {
    const auto f = static_cast<acc_t<T>>(factor);
    map_lanes(
        x.numel(), y.data<T>(), [f](auto v) { return f * v; }, x.data<T>());
  });
}

}  // namespace

Var scale(const Var& x, double factor) {
  const Tensor y = Tensor::empty_like(x.value());
  multiply(x.value(), factor, y);
  return record("scale", ScaleOptions{factor}, {x}, y, [factor](Grads& g) {
    const Tensor gx = reuse(g.out());
    multiply(g.out(), factor, gx);
    g.give(0, gx);
  });
}

}  // namespace mr
