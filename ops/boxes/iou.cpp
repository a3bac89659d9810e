#include "ops/boxes/iou.h"

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/rows.h"
#include "ops/each.h"

namespace mr {

Tensor box_iou(const Tensor& a, const Tensor& b) {
  const Operands of("box_iou", a.device());
  const Box *boxes_a = of.boxes(a, "a"), *boxes_b = of.boxes(b, "b");
  const int64_t A = a.size(0), B = b.size(0);
  const Tensor y = Tensor::empty({A, B}, DType::f32, a.device());
  each_row("box_iou", a.device(), A * B, PairRow{boxes_a, boxes_b, of.as<float>(y, "y", {A, B}), B});
  return y;
}

}  // namespace mr
