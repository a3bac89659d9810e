#include "train/sgd.h"

#include <algorithm>
#include <cmath>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {
namespace {

constexpr int64_t piece_size = 32768;  // values: 3 × 128 KB stay in L2

struct Step {
  float *w, *v;
  const float* g;
  int64_t n;
  float lr, momentum, decay, scale;
  bool nesterov;

  template <int W> void operator()(Lanes<W>) const {
    if (nesterov)
      run<true>();
    else
      run<false>();
  }
  template <bool Nesterov> void run() const {
    float* const wp = w;
    float* const vp = v;
    const float* const gp = g;
    const float f = lr, m = momentum, l = decay, s = scale;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      const float d = gp[i] * s + wp[i] * l;
      const float vi = vp[i] * m + d;
      vp[i] = vi;
      wp[i] -= f * (Nesterov ? d + m * vi : vi);
    }
  }
};

}  // namespace

Sgd::Sgd(const OptimiserConfig& config, const Parameters& parameters) : config_(config), parameters_(parameters) {
  check(parameters.weights().defined(), "sgd: the parameters are not packed");
  momentum_ = Tensor::zeros_like(parameters.weights());
  for (const Parameter& p : parameters.all()) {
    if (!p.trainable) continue;
    const bool decays = p.kind == ParameterKind::weight || (p.kind == ParameterKind::bias ? config.decay_biases : config.decay_norms);
    const float decay = decays ? static_cast<float>(config.weight_decay) : 0;
    const float factor = p.kind == ParameterKind::bias ? static_cast<float>(config.bias_lr_factor) : 1;
    const int64_t begin = parameters.offset(p), end = begin + p.var.value().numel();
    for (int64_t at = begin; at < end; at += piece_size) pieces_.push_back({at, std::min(at + piece_size, end), factor, decay});
  }
}

double Sgd::gradient_norm() const {
  const float* g = parameters_.gradients().data<float>();
  std::vector<double> sums(pieces_.size());
  parallel_for(static_cast<int64_t>(pieces_.size()), 1, [&](int64_t k) {
    const Piece& p = pieces_[static_cast<size_t>(k)];
    double lanes[16] = {}, sum = 0;  // a fixed order of summation that still vectorises
    int64_t i = p.begin;
    for (; i + 16 <= p.end; i += 16)
      for (int64_t l = 0; l < 16; ++l) lanes[l] += static_cast<double>(g[i + l]) * g[i + l];
    for (; i < p.end; ++i) sum += static_cast<double>(g[i]) * g[i];
    for (const double lane : lanes) sum += lane;
    sums[static_cast<size_t>(k)] = sum;
  });
  double sum = 0;
  for (const double s : sums) sum += s;
  return std::sqrt(sum);
}

double Sgd::step(double lr) {
  const double norm = gradient_norm();
  if (!std::isfinite(norm)) return norm;
  const double scale = config_.clip_norm > 0 && norm > config_.clip_norm ? config_.clip_norm / norm : 1;
  float* w = parameters_.weights().data<float>();
  float* v = momentum_.data<float>();
  const float* g = parameters_.gradients().data<float>();
  parallel_for(static_cast<int64_t>(pieces_.size()), 1, [&](int64_t k) {
    const Piece& p = pieces_[static_cast<size_t>(k)];
    with_simd(Step{w + p.begin, v + p.begin, g + p.begin, p.end - p.begin, static_cast<float>(lr) * p.lr_factor,
                   static_cast<float>(config_.momentum), p.decay, static_cast<float>(scale), config_.nesterov});
  });
  parameters_.changed();
  return norm;
}

}  // namespace mr
