// One value's step of Adam, for either device. The formula is in ops/optim/adam.h.
#pragma once

#include <cmath>

#include "ops/optim/adam.h"
#include "tensor/hd.h"

namespace mr {

template <AdamDecay way> struct AdamRule {
  float rate, decay;  // η·f, λ
  float scale;        // s
  float beta1, beta2;
  float share1, share2;      // 1 − β, rounded once
  float correct1, correct2;  // 1/(1 − βᵗ)
  float epsilon;

  struct Values {
    float w, m, v;
  };
  MR_HD Values operator()(float w, float m, float v, float g) const {
    const float d = way == AdamDecay::coupled ? g * scale + w * decay : g * scale;
    const float next_m = m * beta1 + d * share1, next_v = v * beta2 + d * d * share2;
    const float step = next_m * correct1 / (std::sqrt(next_v * correct2) + epsilon);
    return {w - rate * (way == AdamDecay::decoupled ? step + w * decay : step), next_m, next_v};
  }
};

// The rule of a piece. power1, power2: β₁ᵗ and β₂ᵗ of this step; norm: of the gradients.
template <AdamDecay way>
MR_HD AdamRule<way> adam_rule(const AdamOptions& o, float lr, float lr_factor, float decay, double norm, double power1, double power2) {
  return {.rate = lr * lr_factor,
          .decay = decay,
          .scale = static_cast<float>(clip_scale(norm, o.clip_norm)),
          .beta1 = static_cast<float>(o.beta1),
          .beta2 = static_cast<float>(o.beta2),
          .share1 = static_cast<float>(1 - o.beta1),
          .share2 = static_cast<float>(1 - o.beta2),
          .correct1 = static_cast<float>(1 / (1 - power1)),
          .correct2 = static_cast<float>(1 / (1 - power2)),
          .epsilon = static_cast<float>(o.epsilon)};
}

}  // namespace mr
