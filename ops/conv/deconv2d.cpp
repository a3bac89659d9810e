#include "ops/conv/deconv2d.h"

#include "ops/conv/conv2d_rungs.h"
#include "ops/gemm/finish_backward.h"
#include "tensor/work.h"

namespace mr {

Var deconv2d(const Var& x, const Var& w, const Var& b, const Deconv2dOptions& o, bool relu) {
  check(x.shape().rank() == 4, "deconv2d: x must be [N,H,W,Cin], got ", x.shape());
  check(w.shape().rank() == 4, "deconv2d: w must be [Cin,kH,kW,Cout], got ", w.shape());
  check(w.size(0) == x.size(3), "deconv2d: w takes ", w.size(0), " channels, x has ", x.size(3), " (x ", x.shape(), ", w ", w.shape(), ")");
  check(o.stride >= 1 && o.padding >= 0, "deconv2d: stride must be at least 1 and padding 0, got ", o.stride, " and ", o.padding);
  check(!b || b.shape() == Shape({w.size(3)}), "deconv2d: b must be [", w.size(3), "], got ", b ? b.shape() : Shape());
  check(is_float(x.dtype()) && is_float(w.dtype()), "deconv2d: expected floating types, got ", x.dtype(), " and ", w.dtype());
  check((w.dtype() == DType::f64) == (x.dtype() == DType::f64), "deconv2d: x is ", x.dtype(), " and w ", w.dtype(),
        "; f64 goes with f64 alone");
  const int64_t H = (x.size(1) - 1) * o.stride - 2 * o.padding + w.size(1), W = (x.size(2) - 1) * o.stride - 2 * o.padding + w.size(2);
  check(x.size(1) > 0 && x.size(2) > 0 && H > 0 && W > 0, "deconv2d: the output would be empty (x ", x.shape(), ", w ", w.shape(),
        ", padding ", o.padding, ")");

  // The convolution that this is the adjoint of: from y's shape to x's.
  const Conv2dCase c{x.size(0), H,        W,         w.size(3), w.size(0), w.size(1), w.size(2),         x.size(1),
                     x.size(2), o.stride, o.padding, 1,         1,         x.dtype(), x.value().device()};
  const Conv2dFinish finish{{}, b ? b.value().to(c.sum_dtype()) : Tensor(), {}, relu};
  const Tensor y = conv2d_data(c, x.value(), w, finish);
  WorkLog::add(w.value(), y, x.shape().numel() / x.size(3) * w.shape().numel());

  return record("deconv2d", {x, w, b}, y, [c, x = w.requires_grad() ? x.value() : Tensor(), w, b, y = relu ? y : Tensor()](Grads& grads) {
    const bool want_bias = b && grads.needs(2);
    const FinishGrad f = finish_backward(grads.out(), y, want_bias);
    if (want_bias) grads.give(2, f.sums.to(b.dtype()));
    if (grads.needs(1)) grads.give(1, conv2d_weights(c, f.g, x));
    if (grads.needs(0)) grads.give(0, conv2d_forward(c, f.g, w, {}));
  });
}

}  // namespace mr
