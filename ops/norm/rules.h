// The arithmetic of the normalisations, for either device: V is a vector of the CPU or one value.
// Statistics and what comes of them are f64.
#pragma once

#include <cmath>

#include "tensor/hd.h"

namespace mr {

// Mean and sum of squared deviations from it over n values; `merge` joins two sets
// (Chan, Golub & LeVeque 1983).
struct Moments {
  double n = 0, mean = 0, m2 = 0;
  MR_HD void merge(const Moments& o) {
    if (o.n == 0) return;
    const double all = n + o.n, d = o.mean - mean;
    mean += d * o.n / all;
    m2 += o.m2 + d * d * n * o.n / all;
    n = all;
  }
  MR_HD double variance() const { return n > 0 ? m2 / n : 0; }
};

MR_HD inline double reciprocal_deviation(double variance, double eps) { return 1 / std::sqrt(variance + eps); }

MR_HD inline double running(double old, double now, double momentum) { return (1 - momentum) * old + momentum * now; }

template <class V> MR_HD V normalized(V x, V mean, V scale, V shift) { return (x - mean) * scale + shift; }

// gx = scale·gy + per_x·(x − μ) + constant
struct GradientTerms {
  double per_x, constant;
};
template <class V> MR_HD V normalized_gradient(V gy, V x, V mean, V scale, V per_x, V constant) {
  return scale * gy + per_x * (x - mean) + constant;
}
// g: Σ gy, gw: Σ gy·x̂ over the M positions of a channel; scale = w/√(σ² + ε), rstd = 1/√(σ² + ε).
MR_HD inline GradientTerms batch_gradient_terms(double scale, double rstd, double g, double gw, double M) {
  return {-scale * rstd * gw / M, -scale * g / M};
}
// g: Σ w·gy, gx: Σ w·gy·x̂ over the M values of a group.
MR_HD inline GradientTerms group_gradient_terms(double rstd, double g, double gx, double M) {
  return {-rstd * rstd * gx / M, -rstd * g / M};
}

}  // namespace mr
