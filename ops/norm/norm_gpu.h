// The normalisations on a GPU (norm.cu). Statistics stay in its memory. Queued on compute_stream().
#pragma once

#include "ops/norm/rows.h"

namespace mr::gpu {

// Per segment and channel (ops/norm/rows.h).
struct Normalization {
  Tensor mean, rstd;    // f64 [segments·C]
  Tensor coefficients;  // [3, segments·C] in the type sums are held in: mean, scale = w/√(σ² + ε), shift
  Tensor positions;     // f64 [1]: M of batch norm in training, where there are other processes
};

// Training: the statistics of x, and the running ones are brought up to date; otherwise those.
Normalization batch_normalization(const Tensor& x, const NormRows& r, const Tensor& weight, const Tensor& bias, const Tensor& running_mean,
                                  const Tensor& running_var, double momentum, double eps, bool training);
Normalization group_normalization(const Tensor& x, const NormRows& r, const Tensor& weight, const Tensor& bias, int groups, double eps);

void normalize(const Tensor& x, const NormRows& r, const Normalization& n, const Tensor& y);
void scale_rows(const Tensor& x, const NormRows& r, const Normalization& n, const Tensor& y);  // y = x·scale

// gb and gw, [2,C] in the type sums are held in; and, where it is defined, gx.
Tensor batch_norm_backward(const Tensor& gy, const Tensor& x, const NormRows& r, const Normalization& n, bool training, const Tensor& gx);
Tensor group_norm_backward(const Tensor& gy, const Tensor& x, const NormRows& r, const Normalization& n, const Tensor& weight, int groups,
                           const Tensor& gx);

// As fold_batch_norm: scale and shift, [C] in the type of weight.
void fold_batch_norm(const Tensor& weight, const Tensor& bias, const Tensor& mean, const Tensor& var, double eps, const Tensor& scale,
                     const Tensor& shift);

}  // namespace mr::gpu
