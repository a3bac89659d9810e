#include "ops/gemm/class_linear.h"

#include <vector>

#include "ops/gemm/gemm_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/work.h"

namespace mr {
namespace {

// Rows [begin, end) of RoI r.
template <class T> struct Forward {
  const T* x;
  const acc_t<T>* w;
  const acc_t<T>* b;
  T* y;
  int64_t rows, C;

  template <int W> void operator()(Lanes<W>) const {
    for (int64_t p = 0; p < rows; ++p) {
      Vec<acc_t<T>, W> sum = splat<W>(acc_t<T>(0));
      int64_t c = 0;
      for (; c + W <= C; c += W) sum = fma(load<W>(x + p * C + c), load<W>(w + c), sum);
      acc_t<T> total = *b;
      if constexpr (W > 1)
        for (int l = 0; l < W; ++l) total += sum[l];
      for (; c < C; ++c) total += acc_t<T>(x[p * C + c]) * w[c];
      y[p] = T(total);
    }
  }
};

template <class T> struct InputGradient {
  const T* gy;
  const acc_t<T>* w;
  T* gx;
  int64_t rows, C;

  template <int W> void operator()(Lanes<W>) const {
    for (int64_t p = 0; p < rows; ++p) {
      const acc_t<T> g = gy[p];
      for_channels<W>(C, [&]<int L>(Lanes<L>, int64_t c) { store<L>(gx + p * C + c, load<L>(w + c) * splat<L>(g)); });
    }
  }
};

// gw[c] += Σ_p g[p] x[p,c]
template <class T> struct WeightGradient {
  const T* x;
  const T* gy;
  acc_t<T>* gw;
  int64_t rows, C;

  template <int W> void operator()(Lanes<W>) const {
    for (int64_t p = 0; p < rows; ++p) {
      const acc_t<T> g = gy[p];
      for_channels<W>(C, [&]<int L>(Lanes<L>, int64_t c) { store<L>(gw + c, fma(load<L>(x + p * C + c), splat<L>(g), load<L>(gw + c))); });
    }
  }
};

void forward(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& labels, const Tensor& y) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::class_linear(x, w, b, labels, y);
  }
  const int64_t P = x.size(1), C = x.size(2);
  dispatch_float(x.dtype(), "class_linear", [&]<class T>(T) {
    using A = acc_t<T>;
    const int32_t* k = labels.data<int32_t>();
    parallel_for(x.size(0), 1, [&](int64_t r) {
      with_simd(Forward<T>{x.data<T>() + r * P * C, w.data<A>() + k[r] * C, b.data<A>() + k[r], y.data<T>() + r * P, P, C});
    });
  });
}

template <class T> void backward_of(const Tensor& x, const Tensor& w, const Tensor& labels, const Tensor& gy, const Tensor& gx,
                                    const Tensor& gw, const Tensor& gb) {
  using A = acc_t<T>;
  const int64_t R = x.size(0), P = x.size(1), C = x.size(2), K = w.size(0);
  const int32_t* k = labels.data<int32_t>();
  if (gx.defined())
    parallel_for(R, 1, [&](int64_t r) {
      with_simd(InputGradient<T>{gy.data<T>() + r * P, w.data<A>() + k[r] * C, gx.data<T>() + r * P * C, P, C});
    });
  // One owner a class goes through its RoIs in order, so the sums do not depend on the number of threads.
  parallel_for(K, 1, [&](int64_t c) {
    for (int64_t r = 0; r < R; ++r) {
      if (k[r] != c) continue;
      with_simd(WeightGradient<T>{x.data<T>() + r * P * C, gy.data<T>() + r * P, gw.data<A>() + c * C, P, C});
      A sum = 0;
      for (int64_t p = 0; p < P; ++p) sum += A(gy.data<T>()[r * P + p]);
      gb.data<A>()[c] += sum;
    }
  });
}

void backward(const Tensor& x, const Tensor& w, const Tensor& labels, const Tensor& gy, const Tensor& gx, const Tensor& gw,
              const Tensor& gb) {
  if constexpr (gpu::exists) {
    if (x.on_gpu()) return gpu::class_linear_backward(x, w, labels, gy, gx, gw, gb);
  }
  gw.fill_(0);
  gb.fill_(0);
  dispatch_float(x.dtype(), "class_linear", [&]<class T>(T) { backward_of<T>(x, w, labels, gy, gx, gw, gb); });
}

}  // namespace

Var class_linear(const Var& x, const Var& w, const Var& b, const Tensor& labels) {
  check(x.shape().rank() == 3, "class_linear: x must be [R,P,C], got ", x.shape());
  const int64_t R = x.size(0), P = x.size(1), C = x.size(2);
  check(w.shape().rank() == 2 && w.size(1) == C, "class_linear: w must be [K,", C, "], got ", w.shape());
  check(b.shape() == Shape{w.size(0)}, "class_linear: b must be [", w.size(0), "], got ", b.shape());
  check(labels.shape() == Shape{R}, "class_linear: labels must be [", R, "], got ", labels.shape());
  for (int64_t r = 0; r < R && !labels.on_gpu(); ++r) {
    const int32_t k = labels.data<int32_t>()[r];
    check(k >= 0 && k < w.size(0), "class_linear: labels must be in [0,", w.size(0), "), got ", k);
  }

  const Tensor xv = x.value(), wv = w.value();
  const Tensor y = Tensor::empty({R, P}, x.dtype(), xv.device());
  forward(xv, wv, b.value(), labels, y);
  WorkLog::add(wv, y, y.numel() * C);
  return record("class_linear", {x, w, b}, y, [xv, wv, labels](Grads& g) {
    const Tensor gx = g.needs(0) ? Tensor::empty_like(xv) : Tensor();
    const Tensor gw = Tensor::empty_like(wv), gb = Tensor::empty({wv.size(0)}, wv.dtype(), wv.device());
    backward(xv, wv, labels, g.out(), gx, gw, gb);
    g.give(0, gx);
    g.give(1, gw);
    g.give(2, gb);
  });
}

}  // namespace mr
