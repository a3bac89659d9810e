#include "ops/loss/weighted_sum.h"

#include "ops/loss/loss_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

double weight_at(const Tensor& weights, size_t i) { return weights.defined() ? double{weights.data<float>()[i]} : 1; }

Tensor sum_of(const std::vector<Tensor>& terms, const Tensor& weights) {
  if constexpr (gpu::exists) {
    if (terms[0].on_gpu()) return gpu::weighted_sum(terms, weights);
  }
  double sum = 0;
  for (size_t i = 0; i < terms.size(); ++i) sum += weight_at(weights, i) * terms[i].at(0);
  return Tensor::full({}, sum, terms[0].dtype());
}

// wᵢ·gy, [n].
Tensor gradients_of(const Tensor& gy, size_t n, const Tensor& weights) {
  const Tensor all = Tensor::empty({static_cast<int64_t>(n)}, gy.dtype(), gy.device());
  if constexpr (gpu::exists) {
    if (gy.on_gpu()) return gpu::weighted_sum_backward(gy, weights, all), all;
  }
  for (size_t i = 0; i < n; ++i) all.slice(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1).fill_(weight_at(weights, i) * gy.at(0));
  return all;
}

}  // namespace

Var weighted_sum(const std::vector<Var>& terms, const Tensor& weights) {
  const size_t n = terms.size();
  check(n >= 1 && n <= most_loss_terms, "weighted_sum: expected 1 to ", most_loss_terms, " terms, got ", n);
  std::vector<Tensor> values;
  for (const Var& t : terms) {
    values.push_back(t.value());
    check(t.value().numel() == 1 && is_float(t.dtype()), "weighted_sum: a term must be one floating number, got ", t.shape(), " ",
          t.dtype());
    check(t.dtype() == terms[0].dtype() && t.value().device() == values[0].device(),
          "weighted_sum: terms must be of one type and device, got ", terms[0].dtype(), " on ", values[0].device(), " and ", t.dtype(),
          " on ", t.value().device());
  }
  if (weights.defined())
    check(weights.dtype() == DType::f32 && weights.shape() == Shape{static_cast<int64_t>(n)} && weights.device() == values[0].device(),
          "weighted_sum: weights must be [", n, "] f32 on ", values[0].device(), ", got ", weights.shape(), " ", weights.dtype(), " on ",
          weights.device());
  return record("weighted_sum", terms, sum_of(values, weights), [values, weights](Grads& g) {
    const Tensor each = gradients_of(g.out(), values.size(), weights);
    for (size_t i = 0; i < values.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      if (g.needs(static_cast<int>(i))) g.give(static_cast<int>(i), each.slice(at, at + 1).reshape(values[i].shape()));
    }
  });
}

}  // namespace mr
