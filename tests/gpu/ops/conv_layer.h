// A convolution that the device's tests run.
#pragma once

#include "ops/conv/conv2d.h"
#include "tests/gpu/ops/same.h"

namespace mr::gpu {

struct Layer {
  Shape x, w;
  Conv2dOptions o;
};

}  // namespace mr::gpu
