#include "ops/gemm/linear.h"

#include "ops/gemm/finish_backward.h"
#include "ops/gemm/gemm.h"
#include "ops/gemm/gemm_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/work.h"

namespace mr {
namespace {

Gemm product(int64_t M, int64_t N, int64_t K, const Tensor& a, const Tensor& c) {
  Gemm g;
  g.M = M;
  g.N = N;
  g.K = K;
  g.dtype = a.dtype();
  g.c_dtype = c.dtype();
  g.a = a.raw();
  g.lda = K;
  g.c = c.raw();
  g.ldc = N;
  return g;
}

// A parameter in another type, kept with it.
Tensor in(const Var& v, DType t) {
  return v.dtype() == t ? v.value() : v.derived(name(t), [t](const Tensor& value) { return value.to(t); });
}

// y = relu?(x wᵀ + b)
void forward(const Tensor& x, const Var& w, const Var& b, bool relu, const Tensor& y) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::linear(x, in(w, x.dtype()), b ? in(b, y.dtype()) : Tensor(), relu, y);
  }
  const Tensor shift = b ? b.value().to(x.dtype() == DType::f64 ? DType::f64 : DType::f32) : Tensor();
  Gemm p = product(x.size(0), w.size(0), x.size(1), x, y);
  p.transpose_b = true;
  p.shift = b ? shift.raw() : nullptr;
  p.relu = relu;
  gemm_with_weights(p, w);
}

// gw [N,K] = gᵀ x
Tensor weight_gradient(const Tensor& g, const Tensor& x, DType dtype) {
  const int64_t M = x.size(0), N = g.size(1), K = x.size(1);
  const Tensor gw = Tensor::empty({N, K}, g.dtype() == DType::f64 ? DType::f64 : DType::f32, g.device());
  if constexpr (gpu::exists) {
    if (g.on_gpu()) {
      gpu::linear_weight_gradient(g, x, gw);
      return gw.to(dtype);
    }
  }
  Gemm p = product(N, K, M, g, gw);
  p.transpose_a = true;
  p.lda = N;
  p.b = x.raw();
  p.ldb = K;
  gemm(p);
  return gw.to(dtype);
}

// gx = g w
void input_gradient(const Tensor& g, const Var& w, const Tensor& gx) {
  if constexpr (gpu::exists) {
    if (g.on_gpu()) return gpu::linear_input_gradient(g, in(w, g.dtype()), gx);
  }
  gemm_with_weights(product(gx.size(0), gx.size(1), w.size(0), g, gx), w);
}

}  // namespace

Var linear(const Var& x, const Var& w, const Var& b, bool relu) {
  check(x.shape().rank() == 2, "linear: x must be [M,K], got ", x.shape());
  check(w.shape().rank() == 2, "linear: w must be [N,K], got ", w.shape());
  check(w.size(1) == x.size(1), "linear: w must be [N,", x.size(1), "] to go with x ", x.shape(), ", got ", w.shape());
  check(!b || b.shape() == Shape({w.size(0)}), "linear: b must be [", w.size(0), "], got ", b ? b.shape() : Shape());
  check(is_float(x.dtype()) && is_float(w.dtype()), "linear: expected floating types, got ", x.dtype(), " and ", w.dtype());
  const bool has_type = x.value().on_gpu() || gemm_has(x.dtype());
  const DType compute = has_type ? x.dtype() : DType::f32;  // bf16 that no rung has is computed in f32
  const Tensor xv = x.value().to(compute);
  Tensor y = Tensor::empty({x.size(0), w.size(0)}, compute, xv.device());
  forward(xv, w, b, relu, y);
  y = y.to(x.dtype());
  WorkLog::add(w.value(), y, y.numel() * w.size(1));

  return record("linear", {x, w, b}, y, [xv, w, b, y = relu ? y : Tensor(), compute](Grads& grads) {
    const FinishGrad f = finish_backward(grads.out(), y, b && grads.needs(2));
    if (b) grads.give(2, f.sums.defined() ? f.sums.to(b.dtype()) : Tensor());
    const Tensor g = f.g.to(compute);
    if (grads.needs(1)) grads.give(1, weight_gradient(g, xv, w.dtype()));
    if (!grads.needs(0)) return;
    const Tensor gx = Tensor::empty_like(xv);
    input_gradient(g, w, gx);
    grads.give(0, gx.to(f.g.dtype()));
  });
}

}  // namespace mr
