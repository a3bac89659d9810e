#include "ops/elementwise/relu.h"

#include "ops/elementwise/map.h"
#include "ops/elementwise/rules.h"

namespace mr {

Var relu(const Var& x) {
  const Tensor y = Tensor::empty_like(x.value());
  map("relu", ReluRule{}, y, x.value());
  return record("relu", {x}, y, [y](Grads& g) {
    const Tensor gx = reuse(g.out());
    map("relu", ReluGradient{}, gx, g.out(), y);
    g.give(0, gx);
  });
}

}  // namespace mr
