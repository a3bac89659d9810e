#include "ops/elementwise/mean_gpu.h"
#include "tensor/gpu/block_sum.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

template <class T> struct Element {
  const T* x;
  __device__ double operator()(int64_t i) const { return static_cast<double>(static_cast<acc_t<T>>(load<T>(x + i))); }
};
template <class A> struct Divide {
  A* y;
  double n;
  __device__ void operator()(double sum) const { store(y, static_cast<A>(sum / n)); }
};

// A thread writes one element: each gets the same share.
template <class T> struct Share {
  const acc_t<T>* gy;
  T* gx;
  double n;
  __device__ void operator()(int64_t i) const { store(gx + i, convert<T>(static_cast<acc_t<T>>(load<acc_t<T>>(gy) / n))); }
};

}  // namespace

void mean(const Tensor& x, const Tensor& y) {
  const int64_t n = x.numel();
  const Tensor parts = Tensor::empty({sum_parts(n)}, DType::f64, x.device());
  dispatch_float(x.dtype(), "mean", [&]<class T>(T) {
    using A = acc_t<T>;
    sum_terms("mean", n, Element<T>{x.device_data<T>()}, Divide<A>{y.device_data<A>(), static_cast<double>(n)},
              parts.device_data<double>());
  });
}

void mean_backward(const Tensor& gy, const Tensor& gx) {
  dispatch_float(gx.dtype(), "mean_backward", [&]<class T>(T) {
    for_each("mean_backward", gx.numel(), Share<T>{gy.device_data<acc_t<T>>(), gx.device_data<T>(), static_cast<double>(gx.numel())});
  });
}

}  // namespace mr::gpu
