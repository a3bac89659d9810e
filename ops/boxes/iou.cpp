#include "ops/boxes/iou.h"

#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"

namespace mr {

Tensor box_iou(const Tensor& a, const Tensor& b) {
  if constexpr (gpu::exists) {
    if (a.on_gpu()) return gpu::box_iou(a, b);
  }
  const auto boxes_a = as_boxes(a, "box_iou", "a"), boxes_b = as_boxes(b, "box_iou", "b");
  const Tensor y = Tensor::empty({a.size(0), b.size(0)});
  float* out = y.data<float>();
  parallel_for(a.size(0), 1 + (1 << 14) / (b.size(0) + 1), [&](int64_t i) {
    float* row = out + i * static_cast<int64_t>(boxes_b.size());
    for (const Box& other : boxes_b) *row++ = iou(boxes_a[i], other);
  });
  return y;
}

}  // namespace mr
