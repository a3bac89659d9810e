// y[i] = f(x[i]…) for every element, where the tensors are: by vectors on the CPU, by a kernel on a
// GPU. f is one of ops/elementwise/rules.h.
// All tensors are of one floating type and of one size; y may be one of the x.
#pragma once

#include "ops/kernel.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace gpu {
// The instances are listed in ops/elementwise/map.cu.
template <class F, class... X> void map_tensors(const char* op, const F& f, const Tensor& y, const X&... x);
}  // namespace gpu

template <class F, class... X> void map(const char* op, const F& f, const Tensor& y, const X&... x) {
  if constexpr (gpu::exists) {
    if (y.on_gpu()) return gpu::map_tensors(op, f, y, x...);
  }
  dispatch_float(y.dtype(), op, [&]<class T>(T) { map_lanes(y.numel(), y.data<T>(), f, x.template data<T>()...); });
}

}  // namespace mr
