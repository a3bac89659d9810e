#include "ops/norm/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "ops/kernel.h"
#include "ops/norm/norm_gpu.h"
#include "ops/norm/rows.h"
#include "tensor/gpu/built.h"
#include "tensor/process_group.h"

namespace mr {
namespace {

struct BatchNormOptions {
  double momentum, eps;
  bool training;
};
void check_input(const char* op, const Tensor& x, double eps) {
  check(x.rank() >= 2, op, ": x must be [..., C] with at least two axes, got ", x.shape());
  check(is_float(x.dtype()), op, ": x must be floating, got ", x.dtype());
  check(eps >= 0, op, ": eps must be 0 or more, got ", eps);
}

struct Statistics {
  double positions = 0;            // M, of all members of the group
  std::vector<double> mean, rstd;  // [C]; rstd = 1/√(σ² + ε)
};

// Of the positions of all members: μ = Σ n·μ_member / Σ n, and Σ (x − μ)² = Σ (Σ_member (x − μ_member)² + n·(μ_member − μ)²).
void join_members(std::vector<Moments>& all, double rows) {
  if (process_group().size() == 1) return;
  const auto C = static_cast<int64_t>(all.size());
  const Tensor first = Tensor::empty({C + 1}, DType::f64, Device{}), second = Tensor::empty({C}, DType::f64, Device{});
  double *sums = first.data<double>(), *m2 = second.data<double>();
  for (size_t c = 0; c < all.size(); ++c) sums[c] = rows * all[c].mean;
  sums[C] = rows;
  process_group().sum(first);
  const double n = sums[C];
  for (size_t c = 0; c < all.size(); ++c) {
    const double mean = n > 0 ? sums[c] / n : 0, d = all[c].mean - mean;
    m2[c] = all[c].m2 + rows * d * d;
    all[c] = {n, mean, 0};
  }
  process_group().sum(second);
  for (size_t c = 0; c < all.size(); ++c) all[c].m2 = m2[c];
}

// The sums of all members, for gx; s stays what this member's gradients of weight and bias are.
GradSums joined(const GradSums& s) {
  if (process_group().size() == 1) return s;
  const auto C = static_cast<int64_t>(s.g.size());
  const Tensor sums = Tensor::empty({2, C}, DType::f64, Device{});
  double *g = sums.data<double>(), *gx = g + C;
  std::ranges::copy(s.g, g);
  std::ranges::copy(s.gx, gx);
  process_group().sum(sums);
  return {{g, gx}, {gx, gx + C}};
}

void update(const Tensor& running, size_t c, double momentum, double value) {
  dispatch_float(running.dtype(), "batch_norm", [&]<class T>(T) {
    T& v = running.data<T>()[c];
    v = T(static_cast<acc_t<T>>(mr::running(static_cast<double>(static_cast<acc_t<T>>(v)), value, momentum)));
  });
}

Statistics batch_statistics(const Tensor& x, const NormRows& r, const Tensor& running_mean, const Tensor& running_var, double momentum,
                            double eps) {
  Statistics s;
  std::vector<Moments> all = moments(x, r);
  join_members(all, static_cast<double>(r.rows));
  const double M = s.positions = all.empty() ? 0 : all[0].n;
  for (size_t c = 0; c < all.size(); ++c) {
    s.mean.push_back(all[c].mean);
    s.rstd.push_back(reciprocal_deviation(all[c].variance(), eps));
    if (M == 0) continue;
    update(running_mean, c, momentum, all[c].mean);
    update(running_var, c, momentum, all[c].m2 / (M - 1));
  }
  return s;
}

std::vector<double> products(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> p(a.size());
  for (size_t i = 0; i < a.size(); ++i) p[i] = a[i] * b[i];
  return p;
}

Tensor to_tensor(const std::vector<double>& v, DType dtype) { return Tensor::of<double>({static_cast<int64_t>(v.size())}, v).to(dtype); }

void check_parameters(const char* op, int64_t C, const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& var,
                      const char* prefix = "") {
  check_channels(op, "weight", weight, C);
  check_channels(op, "bias", bias, C);
  check_channels(op, str(prefix, "mean").c_str(), mean, C);
  check_channels(op, str(prefix, "var").c_str(), var, C);
}

// batch_norm where x is in the memory of a GPU.
Var batch_norm_there(const Var& x, const Var& weight, const Var& bias, const Tensor& running_mean, const Tensor& running_var,
                     const BatchNormOptions& o) {
  const Tensor xv = x.value();
  const NormRows r{1, rows_of(xv), channels_of(xv)};
  check_parameters("batch_norm", r.channels, weight.value(), bias.value(), running_mean, running_var, "running_");
  const gpu::Normalization n =
      gpu::batch_normalization(xv, r, weight.value(), bias.value(), running_mean, running_var, o.momentum, o.eps, o.training);
  const Tensor y = Tensor::empty_like(xv);
  gpu::normalize(xv, r, n, y);
  return record("batch_norm", {x, weight, bias}, y, [xv, r, n, training = o.training](Grads& g) {
    const Tensor gx = !g.needs(0) ? Tensor() : reuse(g.out());
    const Tensor gradients = gpu::batch_norm_backward(g.out(), xv, r, n, training, gx);
    g.give(1, gradients.slice(1, 2).reshape({r.channels}));
    g.give(2, gradients.slice(0, 1).reshape({r.channels}));
    if (gx.defined()) g.give(0, gx);
  });
}

Var frozen_there(const Var& x, const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& var, double eps) {
  const Tensor xv = x.value();
  const NormRows r{1, rows_of(xv), channels_of(xv)};
  check_parameters("frozen_batch_norm", r.channels, weight, bias, mean, var);
  const gpu::Normalization n = gpu::batch_normalization(xv, r, weight, bias, mean, var, 0, eps, false);
  const Tensor y = Tensor::empty_like(xv);
  gpu::normalize(xv, r, n, y);
  return record("frozen_batch_norm", {x}, y, [r, n](Grads& g) {
    const Tensor gx = reuse(g.out());
    gpu::scale_rows(g.out(), r, n, gx);
    g.give(0, gx);
  });
}

}  // namespace

Var batch_norm(const Var& x, const Var& weight, const Var& bias, const Tensor& running_mean, const Tensor& running_var, double momentum,
               double eps, bool training) {
  const Tensor xv = x.value();
  check_input("batch_norm", xv, eps);
  check(momentum >= 0 && momentum <= 1, "batch_norm: momentum must be in [0, 1], got ", momentum);
  const NormRows r{1, rows_of(xv), channels_of(xv)};
  check(!training || r.rows != 1 || process_group().size() > 1, "batch_norm: training needs more than one position a channel, got ",
        xv.shape());
  if constexpr (gpu::exists) {
    if (xv.on_gpu()) return batch_norm_there(x, weight, bias, running_mean, running_var, {momentum, eps, training});
  }
  const std::vector<double> w = read_channels("batch_norm", "weight", weight.value(), r.channels);
  const std::vector<double> b = read_channels("batch_norm", "bias", bias.value(), r.channels);
  std::vector<double> running_m = read_channels("batch_norm", "running_mean", running_mean, r.channels);
  std::vector<double> running_v = read_channels("batch_norm", "running_var", running_var, r.channels);

  Statistics s;
  if (training) {
    s = batch_statistics(xv, r, running_mean, running_var, momentum, eps);
  } else {
    s.mean = std::move(running_m);
    for (const double v : running_v) s.rstd.push_back(reciprocal_deviation(v, eps));
  }
  const Tensor y = Tensor::empty_like(xv);
  const std::vector<double> scale = products(w, s.rstd);
  normalize(xv, r, s.mean, scale, b, y);

  return record("batch_norm", {x, weight, bias}, y, [xv, r, s, scale, training](Grads& g) {
    const GradSums sums = grad_sums(g.out(), xv, r, s.mean), of_all = training ? joined(sums) : sums;
    const std::vector<double> gw = products(sums.gx, s.rstd);
    g.give(1, to_tensor(gw, acc_dtype(xv.dtype())));
    g.give(2, to_tensor(sums.g, acc_dtype(xv.dtype())));
    if (!g.needs(0)) return;
    std::vector<double> per_x(gw.size()), constant(gw.size());  // gx = scale·gy + per_x·(x − μ) + constant
    for (size_t c = 0; training && s.positions > 0 && c < gw.size(); ++c) {
      const GradientTerms t = batch_gradient_terms(scale[c], s.rstd[c], of_all.g[c], of_all.gx[c] * s.rstd[c], s.positions);
      per_x[c] = t.per_x;
      constant[c] = t.constant;
    }
    const Tensor gx = reuse(g.out());
    normalize_backward(g.out(), xv, r, s.mean, scale, per_x, constant, gx);
    g.give(0, gx);
  });
}

void fold_batch_norm(const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& var, double eps, Tensor& scale,
                     Tensor& shift) {
  check(weight.defined() && weight.rank() == 1, "fold_batch_norm: weight must be [C]");
  const int64_t C = weight.size(0);
  if constexpr (gpu::exists) {
    if (weight.on_gpu()) {
      check_parameters("fold_batch_norm", C, weight, bias, mean, var);
      scale = Tensor::empty_like(weight);
      shift = Tensor::empty_like(weight);
      return gpu::fold_batch_norm(weight, bias, mean, var, eps, scale, shift);
    }
  }
  const std::vector<double> w = read_channels("fold_batch_norm", "weight", weight, C),
                            b = read_channels("fold_batch_norm", "bias", bias, C);
  const std::vector<double> m = read_channels("fold_batch_norm", "mean", mean, C), v = read_channels("fold_batch_norm", "var", var, C);
  std::vector<double> s(w.size()), t(w.size());
  for (size_t c = 0; c < w.size(); ++c) {
    s[c] = w[c] / std::sqrt(v[c] + eps);
    t[c] = b[c] - m[c] * s[c];
  }
  scale = to_tensor(s, weight.dtype());
  shift = to_tensor(t, weight.dtype());
}

Var frozen_batch_norm(const Var& x, const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& var, double eps) {
  const Tensor xv = x.value();
  check_input("frozen_batch_norm", xv, eps);
  if constexpr (gpu::exists) {
    if (xv.on_gpu()) return frozen_there(x, weight, bias, mean, var, eps);
  }
  const int64_t C = channels_of(xv);
  const std::vector<double> w = read_channels("frozen_batch_norm", "weight", weight, C),
                            b = read_channels("frozen_batch_norm", "bias", bias, C);
  const std::vector<double> m = read_channels("frozen_batch_norm", "mean", mean, C), v = read_channels("frozen_batch_norm", "var", var, C);
  std::vector<double> scale(w.size());
  for (size_t c = 0; c < w.size(); ++c) scale[c] = w[c] / std::sqrt(v[c] + eps);
  const NormRows r{1, rows_of(xv), C};
  const Tensor y = Tensor::empty_like(xv);
  normalize(xv, r, m, scale, b, y);
  return record("frozen_batch_norm", {x}, y, [r, scale](Grads& g) {
    const std::vector<double> zero(scale.size());
    const Tensor gx = reuse(g.out());
    normalize(g.out(), r, zero, scale, zero, gx);
    g.give(0, gx);
  });
}

}  // namespace mr
