#include "ops/boxes/box_tensor.h"

namespace mr {

std::span<Box> as_boxes(const Tensor& t, const char* op, const char* what) {
  check(t.defined(), op, ": ", what, " must be [N,4] f32, got an undefined tensor");
  check(t.rank() == 2 && t.size(1) == 4 && t.dtype() == DType::f32, op, ": ", what, " must be [N,4] f32, got ", t.shape(), " ", t.dtype());
  return {reinterpret_cast<Box*>(t.data<float>()), static_cast<size_t>(t.size(0))};
}

std::span<const float> as_scores(const Tensor& t, size_t count, const char* op) {
  check(t.defined() && t.dtype() == DType::f32 && t.rank() == 1 && t.size(0) == static_cast<int64_t>(count), op, ": scores must be [",
        count, "] f32, got ", t.defined() ? t.shape() : Shape{}, " ", t.dtype());
  return t.values<float>();
}

}  // namespace mr
