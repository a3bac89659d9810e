#include "ops/norm/group_norm.h"

#include "ops/kernel.h"
#include "ops/norm/norm_gpu.h"
#include "ops/norm/rows.h"
#include "tensor/gpu/built.h"

namespace mr {
namespace {

struct GroupNormOptions {
  int groups;
  double eps;
};

struct Statistics {
  std::vector<double> mean, rstd;  // [N·C]: a group's, repeated for its channels
};

Statistics group_statistics(const Tensor& x, const NormRows& r, int64_t groups, double eps) {
  const std::vector<Moments> all = moments(x, r);
  const int64_t width = r.channels / groups;
  Statistics s{std::vector<double>(all.size()), std::vector<double>(all.size())};
  for (size_t first = 0; first < all.size(); first += static_cast<size_t>(width)) {
    const size_t end = first + static_cast<size_t>(width);
    Moments group;
    for (size_t c = first; c < end; ++c) group.merge(all[c]);
    for (size_t c = first; c < end; ++c) {
      s.mean[c] = group.mean;
      s.rstd[c] = reciprocal_deviation(group.variance(), eps);
    }
  }
  return s;
}

Tensor sum_over_images(const std::vector<double>& v, const NormRows& r, DType dtype) {
  std::vector<double> sum(static_cast<size_t>(r.channels));
  for (size_t i = 0; i < v.size(); ++i) sum[i % sum.size()] += v[i];
  return Tensor::of<double>({r.channels}, sum).to(dtype);
}

// group_norm where x is in the memory of a GPU.
Var group_norm_there(const Var& x, const Var& weight, const Var& bias, const NormRows& r, const GroupNormOptions& o) {
  const Tensor xv = x.value(), w = weight.value();
  check_channels("group_norm", "weight", w, r.channels);
  check_channels("group_norm", "bias", bias.value(), r.channels);
  const gpu::Normalization n = gpu::group_normalization(xv, r, w, bias.value(), o.groups, o.eps);
  const Tensor y = Tensor::empty_like(xv);
  gpu::normalize(xv, r, n, y);
  return record("group_norm", {x, weight, bias}, y, [xv, r, n, w, groups = o.groups](Grads& g) {
    const Tensor gx = g.needs(0) ? reuse(g.out()) : Tensor();
    const Tensor gradients = gpu::group_norm_backward(g.out(), xv, r, n, w, groups, gx);
    g.give(1, gradients.slice(1, 2).reshape({r.channels}));
    g.give(2, gradients.slice(0, 1).reshape({r.channels}));
    if (gx.defined()) g.give(0, gx);
  });
}

}  // namespace

Var group_norm(const Var& x, const Var& weight, const Var& bias, int groups, double eps) {
  const Tensor xv = x.value();
  check(xv.rank() >= 2, "group_norm: x must be [N, ..., C], got ", xv.shape());
  check(is_float(xv.dtype()), "group_norm: x must be floating, got ", xv.dtype());
  const int64_t N = xv.size(0), C = channels_of(xv);
  check(groups >= 1 && C % groups == 0, "group_norm: the channels of x ", xv.shape(), " must divide into groups, got ", groups, " groups");
  check(eps >= 0, "group_norm: eps must be 0 or more, got ", eps);
  const NormRows r{N, N > 0 ? rows_of(xv) / N : 0, C};
  if constexpr (gpu::exists) {
    if (xv.on_gpu()) return group_norm_there(x, weight, bias, r, {groups, eps});
  }
  const std::vector<double> w = read_channels("group_norm", "weight", weight.value(), C),
                            b = read_channels("group_norm", "bias", bias.value(), C);

  const Statistics s = group_statistics(xv, r, groups, eps);
  std::vector<double> scale(r.statistics()), shift(r.statistics());
  for (size_t i = 0; i < scale.size(); ++i) {
    scale[i] = w[i % w.size()] * s.rstd[i];
    shift[i] = b[i % b.size()];
  }
  const Tensor y = Tensor::empty_like(xv);
  normalize(xv, r, s.mean, scale, shift, y);

  return record("group_norm", {x, weight, bias}, y, [xv, r, s, w, scale, groups](Grads& g) {
    const GradSums sums = grad_sums(g.out(), xv, r, s.mean);
    std::vector<double> gw(r.statistics());  // [N·C]: one image's share of gw
    for (size_t i = 0; i < gw.size(); ++i) gw[i] = sums.gx[i] * s.rstd[i];
    g.give(1, sum_over_images(gw, r, acc_dtype(xv.dtype())));
    g.give(2, sum_over_images(sums.g, r, acc_dtype(xv.dtype())));
    if (!g.needs(0)) return;

    const size_t width = static_cast<size_t>(r.channels / groups);
    const double M = static_cast<double>(r.rows) * static_cast<double>(width);
    std::vector<double> per_x(gw.size()), constant(gw.size());  // gx = scale·gy + per_x·(x − μ) + constant
    for (size_t first = 0; M > 0 && first < gw.size(); first += width) {
      double g1 = 0, gx = 0;  // Σ w·gy and Σ w·gy·x̂ over the group
      for (size_t i = first; i < first + width; ++i) {
        g1 += w[i % w.size()] * sums.g[i];
        gx += w[i % w.size()] * gw[i];
      }
      for (size_t i = first; i < first + width; ++i) {
        const GradientTerms t = group_gradient_terms(s.rstd[i], g1, gx, M);
        per_x[i] = t.per_x;
        constant[i] = t.constant;
      }
    }
    const Tensor out = reuse(g.out());
    normalize_backward(g.out(), xv, r, s.mean, scale, per_x, constant, out);
    g.give(0, out);
  });
}

}  // namespace mr
