#include "ops/optim/sgd.h"

#include <cmath>

#include "ops/optim/optim_gpu.h"
#include "ops/optim/sgd_rule.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace mr {
namespace {

template <bool nesterov> struct Step {
  float *w, *v;
  const float* g;
  int64_t n;
  SgdRule<nesterov> rule;

  template <int W> void operator()(Lanes<W>) const {
    float* const wp = w;
    float* const vp = v;
    const float* const gp = g;
    const SgdRule<nesterov> f = rule;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      const auto next = f(wp[i], vp[i], gp[i]);
      vp[i] = next.v;
      wp[i] = next.w;
    }
  }
};

template <bool nesterov>
void update(float* w, float* v, const float* g, const std::vector<ArenaPiece>& pieces, float lr, float momentum, float scale) {
  parallel_for(static_cast<int64_t>(pieces.size()), 1, [&](int64_t k) {
    const ArenaPiece& p = pieces[static_cast<size_t>(k)];
    with_simd(Step<nesterov>{w + p.begin, v + p.begin, g + p.begin, p.end - p.begin, {lr * p.lr_factor, momentum, p.decay, scale}});
  });
}

}  // namespace

Tensor sgd_step(const Tensor& w, const Tensor& v, const Tensor& g, const ArenaPieces& pieces, const SgdOptions& options, const Tensor& lr) {
  check_arenas("sgd", w, {v, g}, pieces, lr);
  if constexpr (gpu::exists) {
    if (w.on_gpu()) return gpu::sgd_step(w, v, g, pieces, options, lr);
  }
  const double norm = gradient_norm(g, pieces);
  const Tensor result = Tensor::empty({1}, DType::f64, Device{});
  result.data<double>()[0] = norm;
  if (!std::isfinite(norm)) return result;
  const auto run = options.nesterov ? update<true> : update<false>;
  run(w.data<float>(), v.data<float>(), g.data<float>(), pieces.all, lr.data<float>()[0], static_cast<float>(options.momentum),
      static_cast<float>(clip_scale(norm, options.clip_norm)));
  return result;
}

}  // namespace mr
