#include "ops/optim/adam.h"

#include <cmath>

#include "ops/optim/adam_rule.h"
#include "ops/optim/optim_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {
namespace {

template <AdamDecay way> struct Step {
  float *w, *m, *v;
  const float* g;
  int64_t n;
  AdamRule<way> rule;

  template <int W> void operator()(Lanes<W>) const {
    float *const wp = w, *const mp = m, *const vp = v;
    const float* const gp = g;
    const AdamRule<way> f = rule;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      const auto next = f(wp[i], mp[i], vp[i], gp[i]);
      wp[i] = next.w;
      mp[i] = next.m;
      vp[i] = next.v;
    }
  }
};

template <AdamDecay way> void update(const Tensor& w, const AdamState& state, const Tensor& g, const ArenaPieces& pieces,
                                     const AdamOptions& options, float lr, double norm) {
  const double* power = state.powers.data<double>();
  parallel_for(static_cast<int64_t>(pieces.all.size()), 1, [&](int64_t k) {
    const ArenaPiece& p = pieces.all[static_cast<size_t>(k)];
    const auto from = [&p](const Tensor& t) { return t.data<float>() + p.begin; };
    with_simd(Step<way>{from(w), from(state.mean), from(state.square), from(g), p.end - p.begin,
                        adam_rule<way>(options, lr, p.lr_factor, p.decay, norm, power[0], power[1])});
  });
}

void check_options(const AdamOptions& o) {
  for (const double beta : {o.beta1, o.beta2}) check(beta >= 0 && beta < 1, "adam: beta must be from 0 to below 1, got ", beta);
  // With epsilon 0 the step of a weight that never had a gradient would be 0/0.
  check(static_cast<float>(o.epsilon) > 0 && std::isfinite(o.epsilon), "adam: epsilon must be above 0 in f32, got ", o.epsilon);
}

}  // namespace

Tensor adam_step(const Tensor& w, const AdamState& state, const Tensor& g, const ArenaPieces& pieces, const AdamOptions& options,
                 const Tensor& lr) {
  check_arenas("adam", w, {state.mean, state.square, g}, pieces, lr);
  check(state.powers.defined() && state.powers.shape() == Shape{2} && state.powers.dtype() == DType::f64,
        "adam: the powers must be [2] f64");
  check_options(options);
  if constexpr (gpu::exists) {
    if (w.on_gpu()) return gpu::adam_step(w, state, g, pieces, options, lr);
  }
  const double norm = gradient_norm(g, pieces);
  const Tensor result = Tensor::empty({1}, DType::f64, Device{});
  result.data<double>()[0] = norm;
  if (!std::isfinite(norm)) return result;
  state.powers.data<double>()[0] *= options.beta1;
  state.powers.data<double>()[1] *= options.beta2;
  const auto run = options.decay == AdamDecay::coupled ? update<AdamDecay::coupled> : update<AdamDecay::decoupled>;
  run(w, state, g, pieces, options, lr.data<float>()[0], norm);
  return result;
}

}  // namespace mr
