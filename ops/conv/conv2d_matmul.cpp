// A 1×1 convolution of stride 1 is a matrix product over the pixels: y [N·H·W, Cout] = x [N·H·W, Cin] wᵀ.
#include "ops/conv/conv2d_table.h"
#include "ops/gemm/gemm.h"

namespace mr::conv_matmul {
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

bool supports(const Conv2dCase& c, Conv2dPass) {
  return c.kH == 1 && c.kW == 1 && c.stride == 1 && c.padding == 0 && c.groups == 1 && c.dtype != DType::bf16;
}

Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f) {
  const Tensor y = Tensor::empty(c.y_shape(), c.dtype);
  Gemm g = product(c.out_pixels(), c.Cout, c.Cin, x, y);
  g.transpose_b = true;
  set_finish(g, f);
  gemm_with_weights(g, w);
  return y;
}

Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f) {
  const Tensor gx = Tensor::empty(c.x_shape(), c.dtype);
  Gemm g = product(c.out_pixels(), c.Cin, c.Cout, gy, gx);
  set_finish(g, f);
  gemm_with_weights(g, w);
  return gx;
}

Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy) {
  const Tensor gw = Tensor::empty(c.w_shape(), c.sum_dtype());
  Gemm g = product(c.Cout, c.Cin, c.out_pixels(), gy, gw);
  g.transpose_a = true;
  g.lda = c.Cout;
  g.b = x.raw();
  g.ldb = c.Cin;
  gemm(g);
  return gw;
}

}  // namespace
}  // namespace mr::conv_matmul

constinit const mr::Conv2dRung mr::conv2d_matmul{"matmul", conv_matmul::supports, conv_matmul::forward, conv_matmul::data,
                                                 conv_matmul::weights};
