#include "ops/elementwise/subtract.h"

#include "ops/elementwise/rowwise.h"
#include "ops/elementwise/rules.h"

namespace mr {

Var subtract(const Var& a, const Var& b) {
  check_operands("subtract", a.value(), b.value());
  const Tensor y = Tensor::empty_like(a.value());
  map_with_row("subtract", SubtractRule{}, y, a.value(), b.value());
  return record("subtract", {a, b}, y, [shape = b.shape(), dtype = b.dtype()](Grads& g) {
    g.give(0, g.out());
    if (!g.needs(1)) return;
    const Tensor sum = gradient_of_operand(g.out(), shape, dtype), gb = Tensor::empty_like(sum);
    map("subtract", ScaleRule{-1}, gb, sum);
    g.give(1, gb);
  });
}

}  // namespace mr
