#include "ops/elementwise/sigmoid.h"

#include "ops/elementwise/map.h"
#include "ops/elementwise/rules.h"

namespace mr {

Var sigmoid(const Var& x) {
  const Tensor y = Tensor::empty_like(x.value());
  map("sigmoid", SigmoidRule{}, y, x.value());
  return record("sigmoid", {x}, y, [y](Grads& g) {
    const Tensor gx = reuse(g.out());
    map("sigmoid", SigmoidGradient{}, gx, g.out(), y);
    g.give(0, gx);
  });
}

}  // namespace mr
