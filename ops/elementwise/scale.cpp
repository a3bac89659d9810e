#include "ops/elementwise/scale.h"

#include "ops/elementwise/map.h"
#include "ops/elementwise/rules.h"

namespace mr {
Var scale(const Var& x, double factor) {
  const Tensor y = Tensor::empty_like(x.value());
  map("scale", ScaleRule{factor}, y, x.value());
  return record("scale", {x}, y, [factor](Grads& g) {
    const Tensor gx = reuse(g.out());
    map("scale", ScaleRule{factor}, gx, g.out());
    g.give(0, gx);
  });
}

}  // namespace mr
