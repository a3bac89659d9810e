#include "ops/loss/loss_gpu.h"
#include "ops/loss/rules.h"
#include "ops/loss/sum_gpu.h"
#include "tensor/gpu/map.h"

namespace mr::gpu {
namespace {

template <class T> struct SmoothTerm {
  using A = acc_t<T>;
  const T* x;
  const A* t;
  A beta;
  __device__ A operator()(int64_t i) const { return smooth(static_cast<A>(load<T>(x + i)) - load<A>(t + i), beta); }
};

template <class A> struct SmoothGradient {
  LossFactor<A> factor;
  A beta;
  template <class X> __device__ A operator()(X x, A t) const { return factor() * smooth_gradient(static_cast<A>(x) - t, beta); }
};

// The four deltas of each RoI's class; class 0 is the background.
template <class T> struct ClassBoxTerm {
  using A = acc_t<T>;
  const T* x;  // [R, columns]
  const int32_t* labels;
  const A* t;  // [R,4]
  A beta;
  int columns;

  __device__ A operator()(int64_t i) const {
    const int64_t r = i / 4, j = i % 4;
    const int k = label_at(labels, r, columns / 4);
    return k > 0 ? smooth(static_cast<A>(load<T>(x + r * columns + 4 * k + j)) - load<A>(t + i), beta) : 0;
  }
};

// A thread makes N columns of one RoI: 0 but for the class.
template <class T> struct ClassBoxGradient {
  using A = acc_t<T>;
  ClassBoxTerm<T> f;
  LossFactor<A> factor;
  T* gx;

  template <int N> __device__ void at(int r, int c) const {
    const int k = label_at(f.labels, r, f.columns / 4);
    LaneArray<A, N> g = {};
    MR_UNROLL
    for (int j = 0; j < N; ++j) {
      const int64_t at = int64_t{r} * f.columns + c + j;
      if (k > 0 && (c + j) / 4 == k)
        g[j] = factor() * smooth_gradient(static_cast<A>(load<T>(f.x + at)) - load<A>(f.t + 4 * int64_t{r} + (c + j) % 4), f.beta);
    }
    store_lanes(gx + int64_t{r} * f.columns + c, g);
  }
};

template <class T> ClassBoxTerm<T> class_box_term(const Tensor& x, const Tensor& labels, const Tensor& t, double beta) {
  using A = acc_t<T>;
  return {x.device_data<T>(), labels.device_data<int32_t>(), t.device_data<A>(), static_cast<A>(beta), static_cast<int>(x.size(1))};
}

}  // namespace

Tensor smooth_l1(const Tensor& x, const Tensor& t, double beta, const Divisor& divisor) {
  return dispatch_float(x.dtype(), "smooth_l1", [&]<class T>(T) {
    using A = acc_t<T>;
    return loss_of<A>("smooth_l1", x.numel(), SmoothTerm<T>{x.device_data<T>(), t.device_data<A>(), static_cast<A>(beta)}, divisor,
                      x.device());
  });
}

void smooth_l1_backward(const Tensor& x, const Tensor& t, double beta, const Divisor& divisor, const Tensor& gy, const Tensor& gx) {
  dispatch_float(x.dtype(), "smooth_l1_backward", [&]<class T>(T) {
    using A = acc_t<T>;
    const SmoothGradient<A> f{{gy.device_data<A>(), DivisorThere(divisor)}, static_cast<A>(beta)};
    map("smooth_l1_backward", x.numel(), gx.device_data<T>(), f, static_cast<const T*>(x.device_data<T>()),
        static_cast<const A*>(t.device_data<A>()));
  });
}

Tensor class_box_loss(const Tensor& x, const Tensor& labels, const Tensor& t, double beta, const Divisor& divisor) {
  return dispatch_float(x.dtype(), "class_box_loss", [&]<class T>(T) {
    return loss_of<acc_t<T>>("class_box_loss", t.numel(), class_box_term<T>(x, labels, t, beta), divisor, x.device());
  });
}

void class_box_loss_backward(const Tensor& x, const Tensor& labels, const Tensor& t, double beta, const Divisor& divisor, const Tensor& gy,
                             const Tensor& gx) {
  dispatch_float(x.dtype(), "class_box_loss_backward", [&]<class T>(T) {
    const ClassBoxGradient<T> f{
        class_box_term<T>(x, labels, t, beta), {gy.device_data<acc_t<T>>(), DivisorThere(divisor)}, gx.device_data<T>()};
    for_channels<T>("class_box_loss_backward", x.size(0), x.size(1), f, f.gx);
  });
}

}  // namespace mr::gpu
