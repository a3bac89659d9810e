#include "ops/loss/cross_entropy.h"

#include <cmath>

#include "ops/elementwise/reshape.h"
#include "ops/loss/loss_gpu.h"
#include "ops/loss/reduce.h"

namespace mr {
namespace {

// p = e^(z − max z); returns max z, and Σ p by `sum`.
template <class T> acc_t<T> exponentials(const T* z, int64_t K, acc_t<T>* p, acc_t<T>& sum) {
  using A = acc_t<T>;
  A top = static_cast<A>(z[0]);
  for (int64_t k = 1; k < K; ++k) top = std::max(top, static_cast<A>(z[k]));
  sum = 0;
  for (int64_t k = 0; k < K; ++k) sum += p[k] = std::exp(static_cast<A>(z[k]) - top);
  return top;
}

double cross_entropy_sum(const Tensor& z, const Tensor& labels, int first) {
  const int64_t R = z.size(0), K = z.size(1);
  return dispatch_float(z.dtype(), "softmax_cross_entropy", [&]<class T>(T) {
    using A = acc_t<T>;
    const T* zv = z.data<T>();
    const int32_t* kv = labels.data<int32_t>();
    return sum_blocks(R, 256, [=](int64_t r) {  // not log p: that loses a small p's digits
      const T* row = zv + r * K;
      A top = static_cast<A>(row[0]), total = 0;
      for (int64_t k = 1; k < K; ++k) top = std::max(top, static_cast<A>(row[k]));
      for (int64_t k = 0; k < K; ++k) total += std::exp(static_cast<A>(row[k]) - top);
      return std::log(total) + (top - static_cast<A>(row[kv[r] - first]));
    });
  });
}

// gz from the probabilities p.
void cross_entropy_backward(const Tensor& p, const Tensor& labels, int first, double divisor, const Tensor& gy, const Tensor& gz) {
  const int64_t R = p.size(0), K = p.size(1);
  dispatch_float(gz.dtype(), "softmax_cross_entropy", [&]<class T>(T) {
    using A = acc_t<T>;
    const A* pv = p.data<A>();
    const int32_t* kv = labels.data<int32_t>();
    const A factor = static_cast<A>(gy.at(0) / divisor);
    T* to = gz.data<T>();
    parallel_for(R, grain_of(K), [=](int64_t r) {
      for (int64_t k = 0; k < K; ++k) to[r * K + k] = T(factor * (pv[r * K + k] - (k == kv[r] - first ? 1 : 0)));
    });
  });
}

}  // namespace

Tensor softmax(const Tensor& logits) {
  check(logits.rank() >= 1 && channels_of(logits) > 0, "softmax: logits must be [..., K] with K > 0, got ", logits.shape());
  const Tensor p = Tensor::empty(logits.shape(), acc_dtype(logits.dtype()), logits.device());
  if constexpr (gpu::exists) {
    if (logits.on_gpu()) return gpu::softmax(logits, gpu::softmax_partition(logits), p), p;
  }
  dispatch_float(logits.dtype(), "softmax", [&]<class T>(T) {
    const int64_t K = channels_of(logits);
    const T* z = logits.data<T>();
    acc_t<T>* to = p.data<acc_t<T>>();
    parallel_for(rows_of(logits), grain_of(8 * K), [=](int64_t r) {
      acc_t<T> sum;
      exponentials(z + r * K, K, to + r * K, sum);
      for (int64_t k = 0; k < K; ++k) to[r * K + k] /= sum;
    });
  });
  return p;
}

Var softmax_cross_entropy(const Var& logits, const Tensor& labels, const Divisor& divisor, int first) {
  const Tensor z = logits.value();
  check(z.rank() == 2, "softmax_cross_entropy: logits must be [R,K+1], got ", z.shape());
  const int64_t R = z.size(0);
  check_labels("softmax_cross_entropy", labels, R, z.size(1) + first, first);
  check_divisor("softmax_cross_entropy", divisor, R);
  if constexpr (gpu::exists) {
    if (z.on_gpu()) {
      const Tensor partition = gpu::softmax_partition(z);
      return record("softmax_cross_entropy", {logits}, gpu::softmax_cross_entropy(z, partition, labels, first, divisor),
                    [z, partition, labels, first, divisor](Grads& g) {
                      const Tensor gz = Tensor::empty_like(z);
                      gpu::softmax_cross_entropy_backward(z, partition, labels, first, divisor, g.out(), gz);
                      g.give(0, gz);
                    });
    }
  }
  const Tensor p = R > 0 ? softmax(z) : Tensor::empty(z.shape(), acc_dtype(z.dtype()));
  return record("softmax_cross_entropy", {logits}, loss_value(cross_entropy_sum(z, labels, first), divisor.number(), z.dtype()),
                [p, labels, first, divisor = divisor.number(), dtype = z.dtype()](Grads& g) {
                  const Tensor gz = Tensor::empty(p.shape(), dtype);
                  cross_entropy_backward(p, labels, first, divisor, g.out(), gz);
                  g.give(0, gz);
                });
}

Var softmax_mask_loss(const Var& logits, const Tensor& labels, const Tensor& targets) {
  check(logits.shape().rank() == 4, "softmax_mask_loss: logits must be [R,m,m,K+1], got ", logits.shape());
  const int64_t R = logits.size(0), pixels = logits.size(1) * logits.size(2), columns = logits.size(3);
  const Tensor t = check_like("softmax_mask_loss", "targets", targets, {R, logits.size(1), logits.size(2)}, logits.dtype()).to(DType::f64);
  check_labels("softmax_mask_loss", labels, R, columns);
  const Var rows = reshape(logits, {R * pixels, columns});
  if constexpr (gpu::exists) {
    if (t.on_gpu()) return softmax_cross_entropy(rows, gpu::mask_classes(labels, t, columns), over_labels(labels, 1, columns, pixels));
  }
  const int32_t* k = labels.data<int32_t>();
  const Tensor classes = Tensor::empty({R * pixels}, DType::i32);
  for (int64_t i = 0; i < R * pixels; ++i) {
    check(k[i / pixels] > 0, "softmax_mask_loss: label ", i / pixels, " must not be the background's");
    classes.data<int32_t>()[i] = t.data<double>()[i] >= 0.5 ? k[i / pixels] : 0;
  }
  return softmax_cross_entropy(rows, classes, static_cast<double>(std::max<int64_t>(R * pixels, 1)));
}

}  // namespace mr
