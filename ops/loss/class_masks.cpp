#include "ops/loss/class_masks.h"

#include "ops/boxes/box_tensor.h"
#include "ops/each.h"
#include "ops/loss/class_masks_rule.h"
#include "ops/loss/reduce.h"

namespace mr {

Tensor class_masks(const Tensor& logits, const Tensor& labels, SoftmaxRule rule) {
  const char* op = "class_masks";
  check(logits.rank() == 4 && is_float(logits.dtype()), op, ": logits must be [R,m,m,K+1] and floating, got ", logits.shape(), " ",
        logits.dtype());
  const int64_t R = logits.size(0), pixels = logits.size(1) * logits.size(2), columns = logits.size(3);
  check_labels(op, labels, R, columns, 1);
  const Tensor z = logits.to(DType::f32), y = Tensor::empty({R, logits.size(1), logits.size(2)}, DType::f32, logits.device());
  const Operands of(op, logits.device());
  each_row(op, logits.device(), R * pixels,
           ClassMaskRow{of.as<float>(z, "logits", z.shape()), of.as<int32_t>(labels, "labels", {R}), of.as<float>(y, "masks", y.shape()),
                        pixels, columns, rule});
  return y;
}

}  // namespace mr
