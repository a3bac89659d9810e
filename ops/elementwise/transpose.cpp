#include "ops/elementwise/transpose.h"

#include "ops/boxes/box_tensor.h"
#include "ops/each.h"
#include "ops/elementwise/transpose_rule.h"

namespace mr {
namespace {

Tensor transposed(const Tensor& x) {
  const int64_t R = x.size(0), A = x.size(1), B = x.size(2);
  const Tensor y = Tensor::empty({R, B, A}, x.dtype(), x.device());
  dispatch_float(x.dtype(), "transpose_each", [&]<class T>(T) {
    const Operands of("transpose_each", x.device());
    each_row("transpose_each", x.device(), x.numel(), TransposeRow<T>{of.as<T>(x, "x", {R, A, B}), of.as<T>(y, "y", {R, B, A}), A, B});
  });
  return y;
}

}  // namespace

Var transpose_each(const Var& x) {
  check(x.shape().rank() == 3, "transpose_each: x must be [R,A,B], got ", x.shape());
  check(is_float(x.dtype()), "transpose_each: x must be floating, got ", x.dtype());
  return record("transpose_each", {x}, transposed(x.value()), [](Grads& g) { g.give(0, transposed(g.out())); });
}

}  // namespace mr
