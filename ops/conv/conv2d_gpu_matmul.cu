// A 1×1 convolution of stride 1 is the vendor's matrix product over the pixels: y [N·H·W, Cout] = x [N·H·W, Cin] wᵀ. Shift and ReLU go along
// where the library can add them; scale and residual want a second pass.
#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_gpu_products.h"
#include "tensor/gpu/blas.h"

namespace mr::gpu {
namespace {

bool supports(const Conv2dCase& c, Conv2dPass) {
  return c.kH == 1 && c.kW == 1 && c.stride == 1 && c.padding == 0 && gathers(c) && c.Cin > 0 && c.Cout > 0;
}

// Whether the library's epilogue is all of it. A bf16 result wants its bias in bf16, which would round ours.
bool fuses(const Conv2dFinish& f, DType t) {
  if (f.scale.defined() || f.residual.defined()) return false;
  return t == DType::f32 || (!f.shift.defined() && (t == DType::bf16 || !f.relu));
}

// to = finish(from · w), row-major; g has the weights' side and the sizes.
Tensor product(Gemm g, const Conv2dCase& c, Conv2dPass pass, const Tensor& from, const Conv2dFinish& f) {
  const Tensor to = Tensor::empty(pass == Conv2dPass::forward ? c.y_shape() : c.x_shape(), c.dtype, c.device);
  if (to.numel() == 0) return to;
  const bool fused = fuses(f, c.dtype);
  const Tensor sums = fused || c.dtype == c.sum_dtype() ? to : Tensor::empty(to.shape(), c.sum_dtype(), c.device);
  g.n = c.out_pixels();
  g.ldb = g.k;
  g.ldc = g.m;
  g.b = from.raw();
  g.c = sums.raw();
  g.type_a = g.type_b = c.dtype;
  g.type_c = sums.dtype();
  if (fused) {
    g.bias = f.shift.defined() ? f.shift.raw() : nullptr;
    g.epilogue = f.relu ? (g.bias ? gpu::Epilogue::relu_bias : gpu::Epilogue::relu) : g.bias ? gpu::Epilogue::bias : gpu::Epilogue::none;
  }
  gemm(g, compute_stream());
  if (!fused) finish_rows(gather_shape(c, pass), 0, 0, sums, f, to);
  return to;
}

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Tensor weights = weights_as(w, c.dtype);
  Gemm g;  // yᵀ = w · xᵀ
  g.op_a = Op::transpose;
  g.m = c.Cout;
  g.k = g.lda = c.Cin;
  g.a = weights.raw();
  return product(g, c, Conv2dPass::forward, x, f);
}

Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  const Tensor weights = weights_as(w, c.dtype);
  Gemm g;  // gxᵀ = wᵀ · gyᵀ
  g.m = g.lda = c.Cin;
  g.k = c.Cout;
  g.a = weights.raw();
  return product(g, c, Conv2dPass::data, gy, f);
}

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Tensor gw = Tensor::empty(c.w_shape(), c.sum_dtype(), c.device);
  if (c.out_pixels() == 0) {
    gw.fill_(0);
    return gw;
  }
  Gemm g;  // gwᵀ = xᵀ · gy
  g.op_b = Op::transpose;
  g.m = g.lda = g.ldc = c.Cin;
  g.n = g.ldb = c.Cout;
  g.k = c.out_pixels();
  g.a = x.raw();
  g.b = gy.raw();
  g.c = gw.raw();
  g.type_a = g.type_b = c.dtype;
  g.type_c = c.sum_dtype();
  gemm(g, compute_stream());
  return gw;
}

}  // namespace

constinit const Conv2dRung conv2d_gpu_matmul{"gpu_matmul", supports, forward, data, weights};

}  // namespace mr::gpu
