// What the kernels of the losses share: the divisor, labels,
// and the sum that becomes the loss. For *.cu alone.
#pragma once

#include "ops/loss/divisor.h"
#include "tensor/gpu/block_sum.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {

struct DivisorThere {
  double value;
  const int32_t* count;  // null: the value alone
  explicit DivisorThere(const Divisor& d) : value(d.value), count(d.count.device_data<int32_t>()) {}
  __device__ double operator()() const { return count ? value * max(load<int32_t>(count), 1) : value; }
};

// ∂loss/∂(sum), for kernels of gradients: gy/divisor.
template <class A> struct LossFactor {
  const A* gy;
  DivisorThere divisor;
  __device__ A operator()() const { return static_cast<A>(static_cast<double>(load<A>(gy)) / divisor()); }
};

template <class A> struct StoreLoss {
  A* loss;
  DivisorThere divisor;
  __device__ void operator()(double sum) const { store(loss, static_cast<A>(sum == 0 ? 0 : sum / divisor())); }
};

// A label in [0, classes), or −1.
__device__ inline int label_at(const int32_t* labels, int64_t i, int classes) {
  const int k = load<int32_t>(labels + i);
  return 0 <= k && k < classes ? k : -1;
}

// Σ f(i) over [0, n) / divisor. A: the type of the loss.
template <class A, class F> Tensor loss_of(const char* name, int64_t n, const F& f, const Divisor& divisor, Device device) {
  const Tensor parts = Tensor::empty({sum_parts(n)}, DType::f64, device), loss = Tensor::empty({1}, dtype_of<A>(), device);
  sum_terms(name, n, f, StoreLoss<A>{loss.device_data<A>(), DivisorThere(divisor)}, parts.device_data<double>());
  return loss;
}

}  // namespace mr::gpu
