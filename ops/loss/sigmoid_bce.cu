#include "ops/loss/loss_gpu.h"
#include "ops/loss/rules.h"
#include "ops/loss/sum_gpu.h"
#include "tensor/gpu/map.h"

namespace mr::gpu {
namespace {

template <class T> struct BceTerm {
  using A = acc_t<T>;
  const T* z;
  const A* t;
  const A* w;  // or null

  __device__ A operator()(int64_t i) const {
    const A target = load<A>(t + i), weight = target < 0 ? A(0) : w ? load<A>(w + i) : A(1);
    return weight == 0 ? 0 : weight * bce(static_cast<A>(load<T>(z + i)), target);
  }
};

template <class A> struct BceGradient {
  LossFactor<A> factor;
  template <class Z> __device__ A operator()(Z z, A t, A weight) const {
    return weight == 0 || t < 0 ? 0 : factor() * weight * bce_gradient(static_cast<A>(z), t);
  }
  template <class Z> __device__ A operator()(Z z, A t) const { return t < 0 ? 0 : factor() * bce_gradient(static_cast<A>(z), t); }
};

// The term of pixel i of all RoIs' masks, in the channel of its RoI's class.
template <class T> struct MaskTerm {
  using A = acc_t<T>;
  const T* z;  // [R, pixels, K]
  const A* t;  // [R, pixels]
  const int32_t* labels;
  int pixels, K;

  __device__ A operator()(int64_t i) const {
    const int k = label_at(labels, i / pixels, K);
    return k < 0 ? 0 : bce(static_cast<A>(load<T>(z + i * K + k)), load<A>(t + i));
  }
};

// A thread makes N channels of one pixel: 0 but for the class.
template <class T> struct MaskGradient {
  using A = acc_t<T>;
  MaskTerm<T> f;
  LossFactor<A> factor;
  T* gz;

  template <int N> __device__ void at(int row, int c) const {
    const int k = label_at(f.labels, row / f.pixels, f.K);
    LaneArray<A, N> g = {};
    MR_UNROLL
    for (int j = 0; j < N; ++j)
      if (c + j == k) g[j] = factor() * bce_gradient(static_cast<A>(load<T>(f.z + int64_t{row} * f.K + k)), load<A>(f.t + row));
    store_lanes(gz + int64_t{row} * f.K + c, g);
  }
};

template <class T> MaskTerm<T> mask_term(const Tensor& z, const Tensor& labels, const Tensor& t) {
  return {z.device_data<T>(), t.device_data<acc_t<T>>(), labels.device_data<int32_t>(), static_cast<int>(z.size(1) * z.size(2)),
          static_cast<int>(z.size(3))};
}

}  // namespace

Tensor sigmoid_bce(const Tensor& z, const Tensor& t, const Tensor& w, const Divisor& divisor) {
  return dispatch_float(z.dtype(), "sigmoid_bce", [&]<class T>(T) {
    using A = acc_t<T>;
    return loss_of<A>("sigmoid_bce", z.numel(), BceTerm<T>{z.device_data<T>(), t.device_data<A>(), w.device_data<A>()}, divisor,
                      z.device());
  });
}

void sigmoid_bce_backward(const Tensor& z, const Tensor& t, const Tensor& w, const Divisor& divisor, const Tensor& gy, const Tensor& gz) {
  dispatch_float(z.dtype(), "sigmoid_bce_backward", [&]<class T>(T) {
    using A = acc_t<T>;
    const BceGradient<A> f{{gy.device_data<A>(), DivisorThere(divisor)}};
    const auto* from = static_cast<const T*>(z.device_data<T>());
    const A *tv = t.device_data<A>(), *wv = w.device_data<A>();
    if (wv)
      map("sigmoid_bce_backward", z.numel(), gz.device_data<T>(), f, from, tv, wv);
    else
      map("sigmoid_bce_backward", z.numel(), gz.device_data<T>(), f, from, tv);
  });
}

Tensor mask_loss(const Tensor& z, const Tensor& labels, const Tensor& t, const Divisor& divisor) {
  return dispatch_float(z.dtype(), "mask_loss", [&]<class T>(T) {
    return loss_of<acc_t<T>>("mask_loss", t.numel(), mask_term<T>(z, labels, t), divisor, z.device());
  });
}

void mask_loss_backward(const Tensor& z, const Tensor& labels, const Tensor& t, const Divisor& divisor, const Tensor& gy,
                        const Tensor& gz) {
  dispatch_float(z.dtype(), "mask_loss_backward", [&]<class T>(T) {
    const MaskGradient<T> f{mask_term<T>(z, labels, t), {gy.device_data<acc_t<T>>(), DivisorThere(divisor)}, gz.device_data<T>()};
    for_channels<T>("mask_loss_backward", t.numel(), z.size(3), f, f.gz);
  });
}

namespace {

struct CountTerm {
  const int32_t* labels;
  int64_t first, end;
  __device__ double operator()(int64_t i) const {
    const int64_t k = load<int32_t>(labels + i);
    return first <= k && k < end ? 1 : 0;
  }
};
struct StoreCount {
  int32_t* count;
  __device__ void operator()(double sum) const { store(count, static_cast<int32_t>(sum)); }
};

}  // namespace

Tensor count_labels(const Tensor& labels, int64_t first, int64_t end) {
  const int64_t n = labels.numel();
  const Tensor parts = Tensor::empty({sum_parts(n)}, DType::f64, labels.device()), count = Tensor::empty({1}, DType::i32, labels.device());
  sum_terms("count_labels", n, CountTerm{labels.device_data<int32_t>(), first, end}, StoreCount{count.device_data<int32_t>()},
            parts.device_data<double>());
  return count;
}

}  // namespace mr::gpu
