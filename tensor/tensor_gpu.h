// What Tensor does in place, on the device that both tensors are on (tensor/tensor.cu). Queued.
#pragma once

#include "tensor/tensor.h"

namespace mr::gpu {

void fill(const Tensor& y, double value);
void copy(const Tensor& x, const Tensor& y);  // converts the type
void add(const Tensor& x, const Tensor& y);   // y += x
void scale(const Tensor& y, double factor);

}  // namespace mr::gpu
