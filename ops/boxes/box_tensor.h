// Box tensors: [N,4] f32, a row is x1, y1, x2, y2 in continuous image coordinates (geometry/box.h).
#pragma once

#include <span>

#include "geometry/box.h"
#include "tensor/tensor.h"

namespace mr {

static_assert(sizeof(Box) == 4 * sizeof(float));

// The rows as boxes.  Error: "op: what must be [N,4] f32, got …"
std::span<Box> as_boxes(const Tensor& t, const char* op, const char* what);

// Numbers, one a box.  Errors: another shape or type.
std::span<const float> as_scores(const Tensor& t, size_t count, const char* op);

}  // namespace mr
