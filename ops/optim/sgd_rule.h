// One value's step of SGD, for either device. The formula is in ops/optim/sgd.h.
#pragma once

#include "tensor/hd.h"

namespace mr {

template <bool nesterov> struct SgdRule {
  float lr, momentum, decay, scale;

  struct Values {
    float w, v;
  };
  MR_HD Values operator()(float w, float v, float g) const {
    const float d = g * scale + w * decay;
    const float next = v * momentum + d;
    return {w - lr * (nesterov ? d + momentum * next : next), next};
  }
};

}  // namespace mr
