#include "ops/elementwise/multiply.h"

#include "ops/elementwise/rowwise.h"
#include "ops/elementwise/rules.h"

namespace mr {

Var multiply(const Var& a, const Var& b) {
  check_operands("multiply", a.value(), b.value());
  const Tensor av = a.value(), bv = b.value(), y = Tensor::empty_like(av);
  map_with_row("multiply", MultiplyRule{}, y, av, bv);
  return record("multiply", {a, b}, y, [av, bv](Grads& g) {
    if (g.needs(0)) {
      const Tensor ga = Tensor::empty_like(av);
      map_with_row("multiply", MultiplyRule{}, ga, g.out(), bv);
      g.give(0, ga);
    }
    if (!g.needs(1)) return;
    // Products that are summed are not rounded before.
    const DType sum = av.shape() == bv.shape() ? av.dtype() : acc_dtype(av.dtype());
    const Tensor gb = Tensor::empty(av.shape(), sum, av.device());
    map("multiply", MultiplyRule{}, gb, g.out().to(sum), av.to(sum));
    g.give(1, gradient_of_operand(gb, bv.shape(), bv.dtype()));
  });
}

}  // namespace mr
