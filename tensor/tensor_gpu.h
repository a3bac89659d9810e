// What Tensor does in place, on the device that both tensors are on (tensor/tensor.cu). Queued.
#pragma once

#include "tensor/tensor.h"

namespace mr::gpu {

void fill(const Tensor& y, double value);
void copy(const Tensor& x, const Tensor& y);  // converts the type
void add(const Tensor& x, const Tensor& y);   // y += x
void scale(const Tensor& y, double factor);

// Itself, or a copy where it does not begin at 16 bytes, as a slice may. Undefined stays undefined.
inline Tensor aligned(const Tensor& t) { return !t.defined() || reinterpret_cast<uintptr_t>(t.raw()) % 16 == 0 ? t : t.clone(); }

}  // namespace mr::gpu
