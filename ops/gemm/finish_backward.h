// What the backward passes of convolution and linear layer share: the gradient through the ReLU,
// and that of the bias.
//
//   g = gy where y > 0, else 0        sums[c] = Σ over the other axes of g
#pragma once

#include "tensor/tensor.h"

namespace mr {

struct FinishGrad {
  Tensor g;     // as gy
  Tensor sums;  // [C], f32 (f64 for f64); undefined unless asked for
};

// y undefined: no ReLU. One pass over gy, and in place where no other tensor shares its memory.
FinishGrad finish_backward(const Tensor& gy, const Tensor& y, bool want_sums);

}  // namespace mr
