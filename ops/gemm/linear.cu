#include "ops/gemm/gemm_gpu.h"
#include "tensor/gpu/blas.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

// A thread finishes N columns of one row of y, in place.
template <class T> struct AddBias {
  const T* b;  // [N], or null
  T* y;        // [M,N]
  int64_t columns;
  bool relu;

  template <int N> __device__ void at(int row, int c) const {
    auto v = load_lanes<N>(y + row * columns + c);
    if (b) {
      const auto shift = load_lanes<N>(b + c);
      MR_UNROLL
      for (int k = 0; k < N; ++k) v[k] += shift[k];
    }
    MR_UNROLL
    for (int k = 0; k < N; ++k) v[k] = relu && v[k] < 0 ? 0 : v[k];
    store_lanes(y + row * columns + c, v);
  }
};

void add_bias(const Tensor& b, bool relu, const Tensor& y) {
  dispatch_float(y.dtype(), "linear", [&]<class T>(T) {
    const AddBias<T> f{b.device_data<T>(), y.device_data<T>(), y.size(1), relu};
    for_channels<T>("linear_bias", y.size(0), y.size(1), f, f.b, f.y);
  });
}

// Row-major C [M,N] = op(A) op(B) of row-major A and B: the column-major product of their transposes, B first.
Gemm product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& c) {
  Gemm g;
  g.m = c.size(1);
  g.n = c.size(0);
  g.k = a.size(transpose_a ? 0 : 1);
  g.op_a = transpose_b ? Op::transpose : Op::none;
  g.a = b.raw();
  g.type_a = b.dtype();
  g.lda = b.size(1);
  g.op_b = transpose_a ? Op::transpose : Op::none;
  g.b = a.raw();
  g.type_b = a.dtype();
  g.ldb = a.size(1);
  g.c = c.raw();
  g.type_c = c.dtype();
  g.ldc = c.size(1);
  return g;
}

void multiply(const Gemm& g, const Tensor& c) {
  if (c.numel() == 0) return;
  if (g.k == 0) return c.fill_(0);
  gemm(g, compute_stream());
}

}  // namespace

void linear(const Tensor& x, const Tensor& w, const Tensor& b, bool relu, const Tensor& y) {
  Gemm g = product(x, false, w, true, y);
  const bool epilogue = y.dtype() != DType::f64 && g.k > 0;
  if (epilogue) {
    g.epilogue = b.defined() ? (relu ? Epilogue::relu_bias : Epilogue::bias) : relu ? Epilogue::relu : Epilogue::none;
    g.bias = b.defined() ? b.raw() : nullptr;
  }
  multiply(g, y);
  if (!epilogue && (b.defined() || relu)) add_bias(b, relu, y);
}

void linear_input_gradient(const Tensor& g, const Tensor& w, const Tensor& gx) { multiply(product(g, false, w, false, gx), gx); }
void linear_weight_gradient(const Tensor& g, const Tensor& x, const Tensor& gw) { multiply(product(g, true, x, false, gw), gw); }

}  // namespace mr::gpu
