// How a layer is normalised.
#pragma once

#include <cstdint>

namespace mr {

enum class NormKind : uint8_t {
  frozen,  // affine of fixed statistics: fine-tuning from a classifier
  batch,   // statistics of the batch: training from scratch
  group,   // statistics of groups of channels: training from scratch with small batches
};

struct NormOptions {
  NormKind kind = NormKind::frozen;
  double epsilon = 1e-5;  // added to the variance
  double momentum = 0.1;  // share of a step's statistics in the running ones (batch)
};

}  // namespace mr
