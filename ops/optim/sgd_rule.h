// One value's step of SGD, for either device. The formula is in ops/optim/sgd.h.
#pragma once

#include "tensor/hd.h"

namespace mr {

// By what gradients of this norm are multiplied; clip_norm 0: off.
MR_HD inline double clip_scale(double norm, double clip_norm) { return clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1; }

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
