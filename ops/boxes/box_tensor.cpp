#include "ops/boxes/box_tensor.h"

namespace mr {

void check_tensor(const Tensor& t, const Shape& shape, DType dtype, const char* op, const char* what) {
  check(t.defined() && t.shape() == shape && t.dtype() == dtype, op, ": ", what, " must be ", shape, " ", dtype, ", got ",
        t.defined() ? t.shape() : Shape{}, " ", t.dtype());
}

std::span<Box> as_boxes(const Tensor& t, const char* op, const char* what) {
  check(t.defined(), op, ": ", what, " must be [N,4] f32, got an undefined tensor");
  check(t.rank() == 2 && t.size(1) == 4 && t.dtype() == DType::f32, op, ": ", what, " must be [N,4] f32, got ", t.shape(), " ", t.dtype());
  return {reinterpret_cast<Box*>(t.data<float>()), static_cast<size_t>(t.size(0))};
}

std::span<const Box> boxes_of_image(const Tensor& boxes, int64_t n) {
  const auto room = static_cast<size_t>(boxes.size(boxes.rank() - 2));
  const auto* first = reinterpret_cast<const Box*>(boxes.data<float>());
  return {first + (boxes.rank() == 2 ? 0 : static_cast<size_t>(n) * room), room};
}

}  // namespace mr
