// What the kernels of convolution share.
#pragma once

#include "ops/conv/conv2d_formula.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {

// Device memory, read element by element where the shared formula takes a pointer.
template <class T> struct Reads {
  const T* p = nullptr;
  __device__ T operator[](int64_t i) const { return load<T>(p + i); }
  __device__ Reads operator+(int64_t i) const { return {p + i}; }
  __device__ explicit operator bool() const { return p != nullptr; }
};

template <class T> using Finish = Conv2dFinishOf<Reads<acc_t<T>>, Reads<T>>;
template <class T> Finish<T> finish_of(const Conv2dFinish& f) {
  return {{f.scale.device_data<acc_t<T>>()}, {f.shift.device_data<acc_t<T>>()}, {f.residual.device_data<T>()}, f.relu};
}

}  // namespace mr::gpu
