#include "ops/boxes/box_tensor.h"

namespace mr {

void check_tensor(const Tensor& t, const Shape& shape, DType dtype, const char* op, const char* what) {
  check(t.defined() && t.shape() == shape && t.dtype() == dtype, op, ": ", what, " must be ", shape, " ", dtype, ", got ",
        t.defined() ? t.shape() : Shape{}, " ", t.dtype());
}

Box* Operands::boxes(const Tensor& t, const char* what) const {
  check(t.defined(), op_, ": ", what, " must be [N,4] f32, got an undefined tensor");
  check(t.rank() == 2 && t.size(1) == 4 && t.dtype() == DType::f32, op_, ": ", what, " must be [N,4] f32, got ", t.shape(), " ", t.dtype());
  return as<Box>(t, what, t.shape());
}

}  // namespace mr
