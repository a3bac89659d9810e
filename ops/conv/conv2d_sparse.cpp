#include "ops/conv/conv2d_sparse.h"

#include <cstring>

#include "ops/conv/conv2d_gpu.h"
#include "ops/conv/conv2d_rungs.h"
#include "ops/elementwise/add.h"
#include "ops/elementwise/concat.h"
#include "ops/elementwise/gather_gpu.h"
#include "ops/gemm/finish_backward.h"
#include "ops/gemm/gemm.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// Calls f(s, column, offset in x) for each tap of each position that lies inside the map.
template <class F> void each_tap(const Conv2dCase& c, const int64_t* at, int64_t begin, int64_t end, F&& f) {
  for (int64_t s = begin; s < end; ++s) {
    const int64_t n = at[s] / (c.OH * c.OW), h0 = at[s] / c.OW % c.OH * c.stride - c.padding, v0 = at[s] % c.OW * c.stride - c.padding;
    for (int64_t p = 0; p < c.kH; ++p)
      for (int64_t q = 0; q < c.kW; ++q) {
        const int64_t h = h0 + p * c.dilation, v = v0 + q * c.dilation;
        if (h >= 0 && h < c.H && v >= 0 && v < c.W) f(s, (p * c.kW + q) * c.Cin, ((n * c.H + h) * c.W + v) * c.Cin);
      }
  }
}

template <class T> Tensor gather_patches(const Conv2dCase& c, const Tensor& x, const Tensor& at) {
  const int64_t S = at.numel(), K = c.kH * c.kW * c.Cin;
  const Tensor patches = Tensor::zeros({S, K}, x.dtype());
  parallel_ranges(S, 16, [&](int64_t begin, int64_t end) {
    each_tap(c, at.data<int64_t>(), begin, end, [&](int64_t s, int64_t column, int64_t from) {
      std::memcpy(patches.data<T>() + s * K + column, x.data<T>() + from, static_cast<size_t>(c.Cin) * sizeof(T));
    });
  });
  return patches;
}

// Every thread adds its own channels, so that positions add up in order.
template <class T> void scatter_patches(const Conv2dCase& c, const Tensor& patches, const Tensor& at, const Tensor& gx) {
  const int64_t S = at.numel(), K = c.kH * c.kW * c.Cin;
  parallel_ranges(c.Cin, 64, [&](int64_t c0, int64_t c1) {
    each_tap(c, at.data<int64_t>(), 0, S, [&](int64_t s, int64_t column, int64_t to) {
      const T* from = patches.data<T>() + s * K + column;
      T* sum = gx.data<T>() + to;
      for (int64_t k = c0; k < c1; ++k) sum[k] += from[k];
    });
  });
}

Gemm product(int64_t M, int64_t N, int64_t K, const Tensor& a, const Tensor& c) {
  Gemm g;
  g.M = M;
  g.N = N;
  g.K = K;
  g.dtype = g.c_dtype = a.dtype();
  g.a = a.raw();
  g.lda = K;
  g.c = c.raw();
  g.ldc = N;
  return g;
}

}  // namespace

Tensor gather_pixels(const Tensor& map, const Tensor& at) {
  check(map.rank() >= 2, "gather_pixels: the map must be [N,H,W,C] or [M,C], got ", map.shape());
  check(at.rank() == 1, "gather_pixels: positions must be [S], got ", at.shape());
  const int64_t C = map.size(-1), pixels = C ? map.numel() / C : 0;
  const Tensor rows = Tensor::empty({at.numel(), C}, map.dtype(), map.device());
  if constexpr (gpu::exists) {
    if (map.on_gpu()) {
      gpu::gather_rows(map.reshape({pixels, C}), at, rows);
      return rows;
    }
  }
  const size_t bytes = static_cast<size_t>(C) * size_of(map.dtype());
  for (int64_t s = 0; s < at.numel(); ++s) {
    const int64_t i = at.data<int64_t>()[s];
    check(i >= 0 && i < pixels, "gather_pixels: position ", i, " (number ", s, ") is outside a map of ", pixels, " pixels");
    std::memcpy(rows.raw() + static_cast<size_t>(s) * bytes, map.raw() + static_cast<size_t>(i) * bytes, bytes);
  }
  return rows;
}

Conv2dGrads conv2d_sparse_backward(const Tensor& x, const Var& w, const Conv2dOptions& options, const Conv2dSparse& sparse, bool want_gx,
                                   bool want_gw, Tensor gx) {
  check(options.groups == 1, "conv2d_sparse_backward: expected one group, got ", options.groups);
  const Conv2dCase c = conv2d_case(x.shape(), w.shape(), options, x.dtype(), x.device());
  const int64_t S = sparse.at.numel();
  const Shape rows{S, c.Cout};
  check(sparse.at.rank() == 1, "conv2d_sparse_backward: positions must be [S], got ", sparse.at.shape());
  check(sparse.gy.shape() == rows, "conv2d_sparse_backward: gy must be ", rows, ", got ", sparse.gy.shape());
  check(!sparse.y.defined() || sparse.y.shape() == rows, "conv2d_sparse_backward: y must be ", rows, ", got ", sparse.y.shape());
  check(!gx.defined() || (gx.shape() == x.shape() && gx.dtype() == x.dtype()), "conv2d_sparse_backward: gx must be as x, ", x.shape(), " ",
        x.dtype(), ", got ", gx.shape(), " ", gx.dtype());
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::conv2d_sparse_backward(c, x, w, sparse, want_gx, want_gw, gx);
  }
  for (const int64_t i : sparse.at.values<int64_t>())
    check(i >= 0 && i < c.out_pixels(), "conv2d_sparse_backward: position ", i, " is outside y ", c.y_shape());

  const DType t = c.sum_dtype();
  const FinishGrad f = finish_backward(sparse.gy.to(t), sparse.y.defined() ? sparse.y.to(t) : Tensor(), want_gw);
  const int64_t K = c.kH * c.kW * c.Cin;
  Conv2dGrads out;
  const auto run = [&]<class T>(T) {
    if (want_gw) {
      const Tensor patches = [&] {
        if (x.dtype() != DType::bf16) return gather_patches<T>(c, x, sparse.at);
        return gather_patches<bf16>(c, x, sparse.at).to(t);
      }();
      out.gb = f.sums;
      out.gw = Tensor::empty(c.w_shape(), t);
      Gemm g = product(c.Cout, K, S, f.g, out.gw);
      g.transpose_a = true;
      g.lda = c.Cout;
      g.b = patches.raw();
      g.ldb = K;
      gemm(g);
    }
    if (want_gx) {
      const Tensor patches = Tensor::empty({S, K}, t);
      gemm_with_weights(product(S, K, c.Cout, f.g, patches), w);
      const Tensor sum = gx.defined() ? gx.to(t) : Tensor::zeros(x.shape(), t);
      scatter_patches<T>(c, patches, sparse.at, sum);
      if (gx.defined() && x.dtype() != t) gx.copy_(sum);
      out.gx = gx.defined() ? gx : sum.to(x.dtype());
    }
  };
  if (t == DType::f64)
    run(double{});
  else
    run(float{});
  return out;
}

Var conv2d_relu_at(const Var& x, const Var& w, const Var& b, const Conv2dOptions& options, const Tensor& at, const Tensor& dense) {
  check(b.shape() == Shape{w.size(0)}, "conv2d_relu_at: b must be [", w.size(0), "], got ", b.shape());
  const Tensor y = gather_pixels(dense, at);  // [S,Cout]
  const Tensor xv = x.value();
  return record("conv2d_relu_at", {x, w, b}, y, [xv, w, options, at, y](Grads& g) {
    const Conv2dGrads f = conv2d_sparse_backward(xv, w, options, {at, g.out(), y}, g.needs(0), g.needs(1) || g.needs(2));
    g.give(0, f.gx);
    g.give(1, f.gw);
    g.give(2, f.gb);
  });
}

Var conv2d_relu_at(const std::vector<Var>& maps, const Var& w, const Var& b, const Conv2dOptions& options, const Tensor& level,
                   const Tensor& cell, const std::vector<Tensor>& dense) {
  check(maps.size() == dense.size(), "conv2d_relu_at: ", maps.size(), " maps, but ", dense.size(), " dense ones");
  check(level.dtype() == DType::i32 && cell.dtype() == DType::i32 && level.rank() == 1 && cell.shape() == level.shape(),
        "conv2d_relu_at: level and cell must be i32 [R], got ", level.shape(), " and ", cell.shape());
  if constexpr (gpu::exists) {
    if (level.on_gpu()) {  // a row is 0 on all maps but its own
      Var sum;
      for (size_t l = 0; l < maps.size(); ++l) {
        const Var rows = conv2d_relu_at(maps[l], w, b, options, gpu::cells_of_level(level, cell, static_cast<int32_t>(l)), dense[l]);
        sum = sum ? add(sum, rows) : rows;
      }
      return sum;
    }
  }
  std::vector<Var> parts;
  int64_t r = 0;
  for (size_t l = 0; l < maps.size(); ++l) {
    std::vector<int64_t> at;
    for (; r < level.numel() && level.data<int32_t>()[r] == static_cast<int32_t>(l); ++r) at.push_back(cell.data<int32_t>()[r]);
    if (!at.empty())
      parts.push_back(conv2d_relu_at(maps[l], w, b, options, Tensor::of<int64_t>({static_cast<int64_t>(at.size())}, at), dense[l]));
  }
  check(r == level.numel(), "conv2d_relu_at: rows must be in the order of the ", maps.size(), " levels, got level ",
        r < level.numel() ? level.data<int32_t>()[r] : 0, " in row ", r);
  check(!parts.empty(), "conv2d_relu_at: expected a row at least");
  return concat_rows(parts);
}

}  // namespace mr
