#include "ops/elementwise/add.h"

#include "ops/elementwise/map.h"
#include "ops/elementwise/rules.h"

namespace mr {

Var add(const Var& a, const Var& b) {
  check(a.shape() == b.shape(), "add: a and b must have the same shape, got ", a.shape(), " and ", b.shape());
  check(a.dtype() == b.dtype(), "add: a and b must have the same type, got ", a.dtype(), " and ", b.dtype());
  const Tensor y = Tensor::empty_like(a.value());
  map("add", AddRule{}, y, a.value(), b.value());
  return record("add", {a, b}, y, [](Grads& g) {
    g.give(0, g.out());
    g.give(1, g.out());
  });
}

}  // namespace mr
