// What the normalisations share. A map is seen as `segments` runs of `rows` rows of C channels:
// batch norm has one segment (all pixels of all images), group norm one an image. Statistics are
// kept per segment and channel; group norm merges its channels.
//
// Sums run over fixed blocks of rows in f32 (f64) and over the blocks in f64,
// so they do not depend on the number of threads.
#pragma once

#include <vector>

#include "ops/norm/rules.h"
#include "tensor/tensor.h"

namespace mr {

struct NormRows {
  int64_t segments, rows, channels;
  size_t statistics() const { return static_cast<size_t>(segments * channels); }
};

std::vector<Moments> moments(const Tensor& x, const NormRows& r);  // [segments·C]

// y = (x − mean)·scale + shift, the three given per segment and channel.
void normalize(const Tensor& x, const NormRows& r, const std::vector<double>& mean, const std::vector<double>& scale,
               const std::vector<double>& shift, const Tensor& y);

// Σ gy and Σ gy·(x − mean) per segment and channel.
struct GradSums {
  std::vector<double> g, gx;
};
GradSums grad_sums(const Tensor& gy, const Tensor& x, const NormRows& r, const std::vector<double>& mean);

// gx = a·gy + b·(x − mean) + c, per segment and channel.
void normalize_backward(const Tensor& gy, const Tensor& x, const NormRows& r, const std::vector<double>& mean, const std::vector<double>& a,
                        const std::vector<double>& b, const std::vector<double>& c, const Tensor& gx);

// A parameter or statistic of C numbers: checks it; and as f64.
void check_channels(const char* op, const char* what, const Tensor& t, int64_t channels);
std::vector<double> read_channels(const char* op, const char* what, const Tensor& t, int64_t channels);

}  // namespace mr
