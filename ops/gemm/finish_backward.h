// What convolution and linear layer share on their way back: through the ReLU, and the gradient of the bias.
//
//   g = gy where y > 0, else 0        sums[c] = Σ over the other axes of g
#pragma once

#include "tensor/tensor.h"

namespace mr {

struct FinishGrad {
  Tensor g;     // as gy
  Tensor sums;  // [C], f32 (f64 for f64); undefined unless asked for
};

// y undefined: no ReLU. One pass; in place where nobody else holds gy, so the caller gives its only handle up.
FinishGrad finish_backward(const Tensor& gy, const Tensor& y, bool want_sums);

}  // namespace mr
