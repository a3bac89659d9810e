// The formula's loops. Slow, and for any type, stride, dilation and groups: what every other rung is measured against.
#include "ops/conv/conv2d_table.h"
#include "ops/gemm/gemm_kernel.h"
#include "tensor/parallel.h"

namespace mr::conv_reference {
namespace {

// The position in x that output position `o` reads through tap `k`.
int64_t read_at(const Conv2dCase& c, int64_t o, int64_t k) { return o * c.stride + k * c.dilation - c.padding; }

int64_t grain(const Conv2dCase& c, int64_t tasks) { return kernel::task_grain(tasks, static_cast<int64_t>(c.flops())); }

template <class T> acc_t<T> finished(acc_t<T> sum, const Conv2dFinish& f, int64_t channel, int64_t at) {
  using A = acc_t<T>;
  if (f.scale.defined()) sum *= f.scale.data<A>()[channel];
  if (f.shift.defined()) sum += f.shift.data<A>()[channel];
  if (f.residual.defined()) sum += static_cast<A>(f.residual.data<T>()[at]);
  return f.relu && sum < 0 ? A(0) : sum;
}

template <class T> void forward_as(const Conv2dCase& c, const T* x, const T* w, const Conv2dFinish& f, T* y) {
  using A = acc_t<T>;
  const int64_t in = c.Cin / c.groups, out = c.Cout / c.groups;
  parallel_for(c.out_pixels(), grain(c, c.out_pixels()), [&](int64_t pixel) {
    const int64_t n = pixel / (c.OH * c.OW), i = pixel / c.OW % c.OH, j = pixel % c.OW;
    for (int64_t o = 0; o < c.Cout; ++o) {
      A sum = 0;
      for (int64_t p = 0; p < c.kH; ++p)
        for (int64_t q = 0; q < c.kW; ++q) {
          const int64_t h = read_at(c, i, p), v = read_at(c, j, q);
          if (h < 0 || h >= c.H || v < 0 || v >= c.W) continue;
          const T* from = x + ((n * c.H + h) * c.W + v) * c.Cin + o / out * in;
          const T* weight = w + ((o * c.kH + p) * c.kW + q) * in;
          for (int64_t k = 0; k < in; ++k) sum += static_cast<A>(from[k]) * static_cast<A>(weight[k]);
        }
      y[pixel * c.Cout + o] = T(finished<T>(sum, f, o, pixel * c.Cout + o));
    }
  });
}

template <class T> void data_as(const Conv2dCase& c, const T* gy, const T* w, const Conv2dFinish& f, T* gx) {
  using A = acc_t<T>;
  const int64_t in = c.Cin / c.groups, out = c.Cout / c.groups;
  parallel_for(c.N * c.H * c.W, grain(c, c.N * c.H * c.W), [&](int64_t pixel) {
    const int64_t n = pixel / (c.H * c.W), h = pixel / c.W % c.H, v = pixel % c.W;
    for (int64_t k = 0; k < c.Cin; ++k) {
      A sum = 0;
      for (int64_t p = 0; p < c.kH; ++p)
        for (int64_t q = 0; q < c.kW; ++q) {
          const int64_t i = h + c.padding - p * c.dilation, j = v + c.padding - q * c.dilation;  // stride times the output position
          if (i < 0 || j < 0 || i % c.stride || j % c.stride || i / c.stride >= c.OH || j / c.stride >= c.OW) continue;
          const T* from = gy + ((n * c.OH + i / c.stride) * c.OW + j / c.stride) * c.Cout;
          for (int64_t o = k / in * out; o < (k / in + 1) * out; ++o)
            sum += static_cast<A>(from[o]) * static_cast<A>(w[((o * c.kH + p) * c.kW + q) * in + k % in]);
        }
      gx[pixel * c.Cin + k] = T(finished<T>(sum, f, k, pixel * c.Cin + k));
    }
  });
}

template <class T> void weights_as(const Conv2dCase& c, const T* x, const T* gy, acc_t<T>* gw) {
  using A = acc_t<T>;
  const int64_t in = c.Cin / c.groups, out = c.Cout / c.groups;
  parallel_for(c.Cout * c.kH * c.kW, grain(c, c.Cout * c.kH * c.kW), [&](int64_t row) {
    const int64_t o = row / (c.kH * c.kW), p = row / c.kW % c.kH, q = row % c.kW;
    A* sums = gw + row * in;
    std::fill(sums, sums + in, A(0));
    for (int64_t pixel = 0; pixel < c.out_pixels(); ++pixel) {
      const int64_t n = pixel / (c.OH * c.OW), h = read_at(c, pixel / c.OW % c.OH, p), v = read_at(c, pixel % c.OW, q);
      if (h < 0 || h >= c.H || v < 0 || v >= c.W) continue;
      const T* from = x + ((n * c.H + h) * c.W + v) * c.Cin + o / out * in;
      const A g = static_cast<A>(gy[pixel * c.Cout + o]);
      for (int64_t k = 0; k < in; ++k) sums[k] += g * static_cast<A>(from[k]);
    }
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
