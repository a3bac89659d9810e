#include "ops/conv/conv2d_gpu.h"

#include "ops/conv/conv2d_formula.h"
#include "tensor/gpu/kernel.h"

namespace mr::gpu {
namespace {

constexpr int64_t threads = 128;

// A thread a channel; the arithmetic in f64, as on the CPU.
template <class A> __global__ void folded_shift_kernel(int64_t n, const A* bias, const A* scale, const A* shift, A* y) {
  const int64_t o = int64_t{blockIdx.x} * threads + int64_t{threadIdx.x};
  if (o >= n) return;
  const double factor = scale ? static_cast<double>(load<A>(scale + o)) : 1, more = shift ? static_cast<double>(load<A>(shift + o)) : 0;
  store(y + o, static_cast<A>(conv2d_folded_shift(static_cast<double>(load<A>(bias + o)), factor, more)));
}

// A thread an element: neighbours along a row.
template <class T, class S> __global__ void scaled_rows_kernel(int64_t n, int64_t row, const T* t, const S* scale, T* y) {
  const int64_t i = int64_t{blockIdx.x} * threads + int64_t{threadIdx.x};
  if (i < n) store(y + i, convert<T>(static_cast<acc_t<T>>(load<T>(t + i)) * static_cast<acc_t<T>>(load<S>(scale + i / row))));
}

}  // namespace

Tensor folded_shift(const Tensor& bias, const Tensor& scale, const Tensor& shift) {
  const Tensor y = Tensor::empty_like(bias);
  const int64_t n = y.numel();
  if (n == 0) return y;
  const auto run = [&]<class A>(A) {
    launch("conv2d_folded_shift", {(n + threads - 1) / threads}, {threads}, 0, compute_stream(), folded_shift_kernel<A>, n,
           bias.device_data<A>(), scale.device_data<A>(), shift.device_data<A>(), y.device_data<A>());
  };
  if (y.dtype() == DType::f64)
    run(double{});
  else
    run(float{});
  return y;
}

Tensor scaled_rows(const Tensor& t, const Tensor& scale) {
  const Tensor y = Tensor::empty_like(t);
  const int64_t n = y.numel();
  if (n == 0) return y;
  dispatch_float(t.dtype(), "conv2d", [&]<class T>(T) {
    dispatch_float(scale.dtype(), "conv2d", [&]<class S>(S) {
      launch("conv2d_scaled_rows", {(n + threads - 1) / threads}, {threads}, 0, compute_stream(), scaled_rows_kernel<T, S>, n,
             n / t.size(0), t.device_data<T>(), scale.device_data<S>(), y.device_data<T>());
    });
  });
  return y;
}

}  // namespace mr::gpu
