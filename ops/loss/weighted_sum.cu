#include "ops/loss/weighted_sum.h"

#include "ops/loss/loss_gpu.h"
#include "tensor/gpu/channels.h"

namespace mr::gpu {
namespace {

struct Weights {
  const float* w;  // null: 1
  __device__ double operator()(int64_t i) const { return w ? static_cast<double>(load<float>(w + i)) : 1.0; }
};

constexpr int most = static_cast<int>(most_loss_terms);

// One thread: a handful of numbers.
template <class T> struct WeightedSum {
  const T* term[most];
  int n;
  Weights weight;
  T* sum;

  __device__ void operator()(int64_t) const {
    double s = 0;
    MR_UNROLL
    for (int i = 0; i < most; ++i)
      if (i < n) s += weight(i) * static_cast<double>(static_cast<acc_t<T>>(load<T>(term[i])));
    store(sum, convert<T>(static_cast<acc_t<T>>(s)));
  }
};

template <class T> struct WeightedSumGradient {
  const T* gy;
  Weights weight;
  T* g;

  __device__ void operator()(int64_t i) const {
    store(g + i, convert<T>(static_cast<acc_t<T>>(weight(i) * static_cast<double>(static_cast<acc_t<T>>(load<T>(gy))))));
  }
};

}  // namespace

Tensor weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights) {
  const Tensor sum = Tensor::empty({}, terms[0].dtype(), terms[0].device());
  dispatch_float(sum.dtype(), "weighted_sum", [&]<class T>(T) {
    WeightedSum<T> f{{}, static_cast<int>(terms.size()), {weights.device_data<float>()}, sum.device_data<T>()};
    for (size_t i = 0; i < terms.size(); ++i) f.term[i] = terms[i].device_data<T>();
    for_each("weighted_sum", 1, f);
  });
  return sum;
}

void weighted_sum_backward(const Tensor& gy, const Tensor& weights, const Tensor& g) {
  dispatch_float(gy.dtype(), "weighted_sum_backward", [&]<class T>(T) {
    for_each("weighted_sum_backward", g.numel(),
             WeightedSumGradient<T>{gy.device_data<T>(), {weights.device_data<float>()}, g.device_data<T>()});
  });
}

}  // namespace mr::gpu
