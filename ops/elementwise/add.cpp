#include "ops/elementwise/add.h"

#include "ops/elementwise/rowwise.h"
#include "ops/elementwise/rules.h"

namespace mr {

Var add(const Var& a, const Var& b) {
  check_operands("add", a.value(), b.value());
  const Tensor y = Tensor::empty_like(a.value());
  map_with_row("add", AddRule{}, y, a.value(), b.value());
  return record("add", {a, b}, y, [shape = b.shape(), dtype = b.dtype()](Grads& g) {
    g.give(0, g.out());
    if (g.needs(1)) g.give(1, gradient_of_operand(g.out(), shape, dtype));
  });
}

}  // namespace mr
