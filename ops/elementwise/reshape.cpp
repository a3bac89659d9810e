#include "ops/elementwise/reshape.h"

namespace mr {

Var reshape(const Var& x, const Shape& shape) {
  const Tensor y = x.value().reshape(shape);
  return record("reshape", {x}, y, [from = x.shape()](Grads& g) { g.give(0, g.out().reshape(from)); });
}

Var flatten_rows(const Var& x) {
  check(x.shape().rank() >= 1, "flatten_rows: expected a tensor with a leading axis, got ", x.shape());
  int64_t columns = 1;
  for (int i = 1; i < x.shape().rank(); ++i) columns *= x.size(i);
  return reshape(x, {x.size(0), columns});
}

}  // namespace mr
