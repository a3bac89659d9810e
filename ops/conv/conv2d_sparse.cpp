#include "ops/conv/conv2d_sparse.h"

#include <algorithm>

#include "ops/gemm/finish_backward.h"
#include "ops/gemm/gemm.h"
#include "tensor/parallel.h"
#include "tensor/rows.h"

namespace mr {
namespace {

struct Geometry {
  int64_t N, H, W, C, OH, OW, kH, kW;
  int stride, padding;

  // Calls f(offset in the patch, offset in x) for each position of the window of a cell that lies inside the map.
  template <class F> void window(int64_t cell, F&& f) const {
    const int64_t j = cell % OW, i = cell / OW % OH, n = cell / OW / OH;
    for (int64_t p = 0; p < kH; ++p)
      for (int64_t q = 0; q < kW; ++q) {
        const int64_t y = i * stride + p - padding, x = j * stride + q - padding;
        if (y >= 0 && y < H && x >= 0 && x < W) f((p * kW + q) * C, ((n * H + y) * W + x) * C);
      }
  }
};

template <class T> Tensor gather_patches(const Tensor& x, const Tensor& cells, const Geometry& at) {
  using A = acc_t<T>;
  const int64_t S = cells.size(0), row = at.kH * at.kW * at.C;
  Tensor patches = Tensor::empty({S, row}, dtype_of<A>());
  parallel_for(S, 16, [&](int64_t s) {
    A* to = patches.data<A>() + s * row;
    std::fill_n(to, row, A(0));
    at.window(cells.data<int32_t>()[s], [&](int64_t k, int64_t from) { std::copy_n(x.data<T>() + from, at.C, to + k); });
  });
  return patches;
}

// One thread in the order of s: patches overlap, and the sums must not depend on the number of threads.
template <class T> Tensor scatter_patches(const Tensor& patches, const Tensor& cells, const Tensor& x, const Geometry& at) {
  using A = acc_t<T>;
  Tensor gx = Tensor::zeros(x.shape(), dtype_of<A>());
  const int64_t row = at.kH * at.kW * at.C;
  for (int64_t s = 0; s < cells.size(0); ++s) {
    const A* from = patches.data<A>() + s * row;
    at.window(cells.data<int32_t>()[s], [&](int64_t k, int64_t to) {
      A* sum = gx.data<A>() + to;
      for (int64_t c = 0; c < at.C; ++c) sum[c] += from[k + c];
    });
  }
  return gx.to(x.dtype());
}

// a [M,K] or its transpose · b [K,N], both of one type
Tensor product(const Tensor& a, bool transpose_a, const Tensor& b, int64_t M, int64_t N, int64_t K) {
  Tensor c = Tensor::empty({M, N}, a.dtype());
  Gemm g{.M = M,
         .N = N,
         .K = K,
         .transpose_a = transpose_a,
         .dtype = a.dtype(),
         .c_dtype = a.dtype(),
         .a = a.raw(),
         .b = b.raw(),
         .c = c.raw()};
  g.lda = transpose_a ? M : K;
  g.ldb = g.ldc = N;
  gemm(g);
  return c;
}

}  // namespace

Var conv2d_relu_at(const Var& x, const Var& w, const Var& b, const Conv2dOptions& o, const Tensor& cells, const Tensor& dense) {
  check(o.groups == 1 && o.dilation == 1, "conv2d_relu_at: one group and no dilation, got ", o.groups, " and ", o.dilation);
  check(x.shape().rank() == 4 && w.shape().rank() == 4 && w.size(3) == x.size(3), "conv2d_relu_at: x [N,H,W,C] and w [Cout,kH,kW,C], got ",
        x.shape(), " and ", w.shape());
  check(dense.rank() == 4 && dense.size(0) == x.size(0) && dense.size(3) == w.size(0) && dense.dtype() == x.dtype(),
        "conv2d_relu_at: dense must be the convolution's output, got ", dense.shape(), " ", dense.dtype());
  check(cells.rank() == 1, "conv2d_relu_at: cells must be [S], got ", cells.shape());
  const int64_t Cout = w.size(0), row = w.size(1) * w.size(2) * w.size(3), S = cells.size(0);
  const Geometry at{x.size(0), x.size(1), x.size(2), x.size(3), dense.size(1), dense.size(2), w.size(1), w.size(2), o.stride, o.padding};
  const Tensor y = take_rows(dense.reshape({at.N * at.OH * at.OW, Cout}), cells.values<int32_t>());  // [S,Cout]
  const Tensor xv = x.value(), wv = w.value();
  return record("conv2d_relu_at", o, {x, w, b}, y, [=](Grads& grads) {
    const FinishGrad f = finish_backward(grads.out(), y, true);
    grads.give(2, f.sums);
    dispatch_float(xv.dtype(), "conv2d_relu_at", [&]<class T>(T) {
      const Tensor g = f.g.to(dtype_of<acc_t<T>>());  // [S,Cout]
      if (grads.needs(1)) grads.give(1, product(g, true, gather_patches<T>(xv, cells, at), Cout, row, S).reshape(wv.shape()));
      if (grads.needs(0)) grads.give(0, scatter_patches<T>(product(g, false, wv, S, row, Cout), cells, xv, at));
    });
  });
}

}  // namespace mr
