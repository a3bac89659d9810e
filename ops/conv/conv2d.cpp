#include "ops/conv/conv2d.h"

#include "ops/conv/conv2d_formula.h"
#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_table.h"
#include "ops/gemm/finish_backward.h"
#include "tensor/work.h"

namespace mr {
namespace {

// shift + bias · scale, in the type of the sums; undefined for nothing to add
Tensor folded_shift(const Conv2dCase& c, const Var& b, const Epilogue& e) {
  const DType t = c.sum_dtype();
  if (!b) return e.shift.defined() ? e.shift.to(t) : Tensor();
  const Tensor bias = b.value().to(t);
  if (!e.scale.defined() && !e.shift.defined()) return bias;
  if constexpr (gpu::exists) {
    if (bias.on_gpu())
      return gpu::folded_shift(bias, e.scale.defined() ? e.scale.to(t) : Tensor(), e.shift.defined() ? e.shift.to(t) : Tensor());
  }
  const Tensor sum = Tensor::empty({c.Cout}, t);
  dispatch_float(t, "conv2d", [&]<class T>(T) {
    for (int64_t o = 0; o < c.Cout; ++o)
      sum.data<T>()[o] = T(static_cast<acc_t<T>>(
          conv2d_folded_shift(bias.at(o), e.scale.defined() ? e.scale.at(o) : 1, e.shift.defined() ? e.shift.at(o) : 0)));
  });
  return sum;
}

}  // namespace

Tensor scaled_rows(const Tensor& t, const Tensor& scale) {
  if constexpr (gpu::exists) {
    if (t.on_gpu()) return gpu::scaled_rows(t, scale);
  }
  const Tensor out = Tensor::empty_like(t);
  const int64_t rows = t.size(0), row = rows ? t.numel() / rows : 0;
  dispatch_float(t.dtype(), "conv2d", [&]<class T>(T) {
    for (int64_t o = 0; o < rows; ++o) {
      const auto s = static_cast<acc_t<T>>(scale.at(o));
      for (int64_t i = o * row; i < (o + 1) * row; ++i) out.data<T>()[i] = T(static_cast<acc_t<T>>(t.data<T>()[i]) * s);
    }
  });
  return out;
}

Conv2dCase conv2d_case(const Shape& x, const Shape& w, const Conv2dOptions& o, DType dtype, Device device) {
  check(x.rank() == 4, "conv2d: x must be [N,H,W,Cin], got ", x);
  check(w.rank() == 4, "conv2d: w must be [Cout,kH,kW,Cin/groups], got ", w);
  check(o.stride >= 1 && o.padding >= 0 && o.dilation >= 1 && o.groups >= 1,
        "conv2d: stride, dilation and groups must be at least 1 and padding 0, got ", o.stride, ", ", o.dilation, ", ", o.groups, " and ",
        o.padding);
  check(x[3] % o.groups == 0 && w[0] % o.groups == 0, "conv2d: ", o.groups, " groups do not divide Cin ", x[3], " and Cout ", w[0]);
  check(w[3] * o.groups == x[3], "conv2d: w takes ", w[3] * o.groups, " channels, x has ", x[3], " (x ", x, ", w ", w, ", groups ",
        o.groups, ")");
  check(w[1] >= 1 && w[2] >= 1, "conv2d: the kernel must have a size, got w ", w);
  Conv2dCase c{x[0], x[1], x[2], x[3], w[0], w[1], w[2], 0, 0, o.stride, o.padding, o.dilation, o.groups, dtype, device};
  const auto out = [&](int64_t size, int64_t k) {
    const int64_t room = size + 2 * o.padding - o.dilation * (k - 1) - 1;
    check(room >= 0, "conv2d: the kernel ", w, " (dilation ", o.dilation, ") is larger than the padded map ", x, " (padding ", o.padding,
          ")");
    return room / o.stride + 1;
  };
  c.OH = out(c.H, c.kH);
  c.OW = out(c.W, c.kW);
  return c;
}

Var conv2d(const Var& x, const Var& w, const Var& b, const Conv2dOptions& options, const Epilogue& e) {
  check(is_float(x.dtype()) && is_float(w.dtype()), "conv2d: expected floating types, got ", x.dtype(), " and ", w.dtype());
  const Conv2dCase c = conv2d_case(x.shape(), w.shape(), options, x.dtype(), x.value().device());
  const Shape channels{c.Cout};
  check(!b || b.shape() == channels, "conv2d: b must be ", channels, ", got ", b ? b.shape() : Shape());
  check(!e.scale.defined() || e.scale.shape() == channels, "conv2d: scale must be ", channels, ", got ", e.scale.shape());
  check(!e.shift.defined() || e.shift.shape() == channels, "conv2d: shift must be ", channels, ", got ", e.shift.shape());
  check(!e.residual || e.residual.shape() == c.y_shape(), "conv2d: residual must be ", c.y_shape(), ", got ",
        e.residual ? e.residual.shape() : Shape());
  check((w.dtype() == DType::f64) == (x.dtype() == DType::f64), "conv2d: x is ", x.dtype(), " and w ", w.dtype(),
        "; f64 goes with f64 alone");

  const Conv2dFinish finish{e.scale.defined() ? e.scale.to(c.sum_dtype()) : Tensor(), folded_shift(c, b, e),
                            e.residual ? e.residual.value().to(c.dtype) : Tensor(), e.relu};
  const Tensor y = conv2d_forward(c, x.value(), w, finish);
  WorkLog::add(w.value(), y, y.numel() * (w.shape().numel() / c.Cout));

  return record("conv2d", {x, w, b, e.residual}, y,
                [c, x = w.requires_grad() ? x.value() : Tensor(), w, b, scale = finish.scale, y = e.relu ? y : Tensor()](Grads& grads) {
                  const bool want_bias = b && grads.needs(2);
                  const FinishGrad f = finish_backward(grads.out(), y, want_bias);
                  if (want_bias) grads.give(2, (scale.defined() ? scaled_rows(f.sums, scale) : f.sums).to(b.dtype()));
                  if (grads.needs(1)) {
                    const Tensor gw = conv2d_weights(c, x, f.g);
                    grads.give(1, scale.defined() ? scaled_rows(gw, scale) : gw);
                  }
                  // g' · w = g · (scale · w): scaling w is less work than scaling g.
                  if (grads.needs(0)) grads.give(0, conv2d_data(c, f.g, scale.defined() ? Var(scaled_rows(w.value(), scale)) : w, {}));
                  grads.give(3, f.g);
                });
}

}  // namespace mr
