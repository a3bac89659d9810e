// The formula's loops. Slow, and for any type, stride, dilation and groups: what every other rung is measured against.
#include "ops/conv/conv2d_formula.h"
#include "ops/conv/conv2d_table.h"
#include "ops/gemm/gemm_kernel.h"
#include "tensor/parallel.h"

namespace mr::conv_reference {
namespace {

int64_t grain(const Conv2dCase& c, int64_t tasks) { return kernel::task_grain(tasks, static_cast<int64_t>(c.flops())); }

template <class T> using FinishOf = Conv2dFinishOf<const acc_t<T>*, const T*>;
template <class T> FinishOf<T> finish_of(const Conv2dFinish& f) {
  using A = acc_t<T>;
  const auto channels = [](const Tensor& t) { return t.defined() ? t.data<A>() : nullptr; };
  return {channels(f.scale), channels(f.shift), f.residual.defined() ? f.residual.data<T>() : nullptr, f.relu};
}

template <class T> void forward_as(const Conv2dCase& c, const T* x, const T* w, const Conv2dFinish& f, T* y) {
  const FinishOf<T> finished = finish_of<T>(f);
  parallel_for(c.out_pixels(), grain(c, c.out_pixels()), [&](int64_t pixel) {
    for (int64_t o = 0; o < c.Cout; ++o)
      y[pixel * c.Cout + o] = T(finished(conv2d_forward_sum<acc_t<T>>(c, x, w, pixel, o), o, pixel * c.Cout + o));
  });
}

template <class T> void data_as(const Conv2dCase& c, const T* gy, const T* w, const Conv2dFinish& f, T* gx) {
  const FinishOf<T> finished = finish_of<T>(f);
  parallel_for(c.N * c.H * c.W, grain(c, c.N * c.H * c.W), [&](int64_t pixel) {
    for (int64_t k = 0; k < c.Cin; ++k)
      gx[pixel * c.Cin + k] = T(finished(conv2d_data_sum<acc_t<T>>(c, gy, w, pixel, k), k, pixel * c.Cin + k));
  });
}

template <class T> void weights_as(const Conv2dCase& c, const T* x, const T* gy, acc_t<T>* gw) {
  using A = acc_t<T>;
  const int64_t in = c.Cin / c.groups, out = c.Cout / c.groups;
  parallel_for(c.Cout * c.kH * c.kW, grain(c, c.Cout * c.kH * c.kW), [&](int64_t row) {
    const int64_t o = row / (c.kH * c.kW), p = row / c.kW % c.kH, q = row % c.kW;
    A* sums = gw + row * in;
    std::fill(sums, sums + in, A(0));
    conv2d_each_read(c, p, q, [&](int64_t pixel, int64_t at) {
      const T* from = x + at + o / out * in;
      const A g = static_cast<A>(gy[pixel * c.Cout + o]);
      for (int64_t k = 0; k < in; ++k) sums[k] += g * static_cast<A>(from[k]);
    });
  });
}

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Tensor y = Tensor::empty(c.y_shape(), c.dtype);
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) { forward_as(c, x.data<T>(), mr::weights_as(w, c.dtype).data<T>(), f, y.data<T>()); });
  return y;
}

Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  const Tensor gx = Tensor::empty(c.x_shape(), c.dtype);
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) { data_as(c, gy.data<T>(), mr::weights_as(w, c.dtype).data<T>(), f, gx.data<T>()); });
  return gx;
}

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Tensor gw = Tensor::empty(c.w_shape(), c.sum_dtype());
  dispatch_float(c.dtype, "conv2d", [&]<class T>(T) { weights_as(c, x.data<T>(), gy.data<T>(), gw.data<acc_t<T>>()); });
  return gw;
}

}  // namespace
}  // namespace mr::conv_reference

constinit const mr::Conv2dRung mr::conv2d_reference{"reference", [](const Conv2dCase&, Conv2dPass) { return true; },
                                                    conv_reference::forward, conv_reference::data, conv_reference::weights};
