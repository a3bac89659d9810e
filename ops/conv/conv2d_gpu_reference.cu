// The first version: a thread computes one output by the loops of the formula. Any type, stride, dilation and groups; what every other
// rung on the device is measured against, and what runs where none of them fits.
//
// Neighbouring threads have neighbouring channels. In the forward pass they read the same x (one address a warp) and weights that lie a whole
// filter apart, so that a warp touches 32 sectors for 32 numbers, and every number is read from memory for each product it takes part in.
#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_kernel.h"

namespace mr::gpu {
namespace {

constexpr int64_t threads = 128;

__device__ int64_t thread_number() { return int64_t{blockIdx.x} * threads + int64_t{threadIdx.x}; }

template <class T> __global__ void forward_kernel(Conv2dCase c, const T* x, const T* w, Finish<T> finished, T* y) {
  const int64_t at = thread_number(), pixel = at / c.Cout, o = at % c.Cout;
  if (at >= c.out_pixels() * c.Cout) return;
  const auto sum = conv2d_forward_sum<acc_t<T>>(c, Reads<T>{x}, Reads<T>{w}, pixel, o);
  store(y + at, convert<T>(finished(sum, o, at)));
}

template <class T> __global__ void data_kernel(Conv2dCase c, const T* gy, const T* w, Finish<T> finished, T* gx) {
  const int64_t at = thread_number(), pixel = at / c.Cin, k = at % c.Cin;
  if (at >= c.N * c.H * c.W * c.Cin) return;
  const auto sum = conv2d_data_sum<acc_t<T>>(c, Reads<T>{gy}, Reads<T>{w}, pixel, k);
  store(gx + at, convert<T>(finished(sum, k, at)));
}

template <class T> __global__ void weights_kernel(Conv2dCase c, const T* x, const T* gy, acc_t<T>* gw) {
  using A = acc_t<T>;
  const int64_t in = c.Cin / c.groups, out = c.Cout / c.groups;
  const int64_t at = thread_number(), row = at / in, o = row / (c.kH * c.kW);
  if (o >= c.Cout) return;
  const int64_t from = o / out * in + at % in;
  A sum = 0;
  conv2d_each_read(c, row / c.kW % c.kH, row % c.kW, [&](int64_t pixel, int64_t read) {
    sum += static_cast<A>(load<T>(gy + pixel * c.Cout + o)) * static_cast<A>(load<T>(x + read + from));
  });
  store(gw + at, sum);
}

template <class... P, class... A> void launch_each(const char* name, int64_t n, void (*kernel)(P...), const A&... arguments) {
  if (n > 0) launch(name, {(n + threads - 1) / threads}, {threads}, 0, compute_stream(), kernel, arguments...);
}

bool supports(const Conv2dCase&, Conv2dPass) { return true; }

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Tensor y = Tensor::empty(c.y_shape(), c.dtype, c.device), weights = weights_as(w, c.dtype);
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) {
    launch_each("conv2d_reference_forward", y.numel(), forward_kernel<T>, c, x.device_data<T>(), weights.device_data<T>(), finish_of<T>(f),
                y.device_data<T>());
  });
  return y;
}

Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  const Tensor gx = Tensor::empty(c.x_shape(), c.dtype, c.device), weights = weights_as(w, c.dtype);
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) {
    launch_each("conv2d_reference_data", gx.numel(), data_kernel<T>, c, gy.device_data<T>(), weights.device_data<T>(), finish_of<T>(f),
                gx.device_data<T>());
  });
  return gx;
}

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Tensor gw = Tensor::empty(c.w_shape(), c.sum_dtype(), c.device);
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) {
    launch_each("conv2d_reference_weights", gw.numel(), weights_kernel<T>, c, x.device_data<T>(), gy.device_data<T>(),
                gw.device_data<acc_t<T>>());
  });
  return gw;
}

}  // namespace

constinit const Conv2dRung conv2d_gpu_reference{"gpu_reference", supports, forward, data, weights};

}  // namespace mr::gpu
