#include "ops/optim/sgd.h"

#include <algorithm>
#include <cmath>

#include "ops/optim/sgd_gpu.h"
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

double gradient_norm(const float* g, const std::vector<SgdPiece>& pieces) {
  std::vector<double> sums(pieces.size());
  parallel_for(static_cast<int64_t>(pieces.size()), 1, [&](int64_t k) {
    const SgdPiece& p = pieces[static_cast<size_t>(k)];
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

template <bool nesterov>
void update(float* w, float* v, const float* g, const std::vector<SgdPiece>& pieces, float lr, float momentum, float scale) {
  parallel_for(static_cast<int64_t>(pieces.size()), 1, [&](int64_t k) {
    const SgdPiece& p = pieces[static_cast<size_t>(k)];
    with_simd(Step<nesterov>{w + p.begin, v + p.begin, g + p.begin, p.end - p.begin, {lr * p.lr_factor, momentum, p.decay, scale}});
  });
}

}  // namespace

void add_pieces(std::vector<SgdPiece>& to, const SgdPiece& run) {
  for (int64_t at = run.begin; at < run.end; at += sgd_piece_size)
    to.push_back({at, std::min(at + sgd_piece_size, run.end), run.lr_factor, run.decay});
}

SgdPieces::SgdPieces(std::vector<SgdPiece> pieces, Device device) : all(std::move(pieces)) {
  for (const SgdPiece& p : all)
    check(0 <= p.begin && p.begin % 4 == 0 && p.begin < p.end && p.end - p.begin <= sgd_piece_size,
          "sgd: a piece must begin at a multiple of 4 and hold 1 … ", sgd_piece_size, " values, got [", p.begin, ", ", p.end, ")");
  if (device.type == DeviceType::cpu) return;
  const auto count = static_cast<int64_t>(all.size());
  const Tensor run = Tensor::empty({count, 2}, DType::i64, Device{}), factor = Tensor::empty({count, 2}, DType::f32, Device{});
  for (int64_t k = 0; k < count; ++k) {
    const SgdPiece& p = all[static_cast<size_t>(k)];
    run.data<int64_t>()[2 * k] = p.begin;
    run.data<int64_t>()[2 * k + 1] = p.end;
    factor.data<float>()[2 * k] = p.lr_factor;
    factor.data<float>()[2 * k + 1] = p.decay;
  }
  runs = run.to(device);
  factors = factor.to(device);
}

Tensor sgd_step(const Tensor& w, const Tensor& v, const Tensor& g, const SgdPieces& pieces, const SgdOptions& options, const Tensor& lr) {
  for (const Tensor& t : {w, v, g})
    check(t.defined() && t.dtype() == DType::f32 && t.numel() == w.numel(), "sgd: the arrays must be f32 of one size");
  check(lr.defined() && lr.shape() == Shape{1} && lr.dtype() == DType::f32, "sgd: the rate must be [1] f32, got ",
        lr.defined() ? lr.shape() : Shape{}, " ", lr.dtype());
  for (const SgdPiece& p : pieces.all) check(p.end <= w.numel(), "sgd: a piece must end within ", w.numel(), " values, got ", p.end);
  if constexpr (gpu::exists) {
    if (w.on_gpu()) return gpu::sgd_step(w, v, g, pieces, options, lr);
  }
  const double norm = gradient_norm(g.data<float>(), pieces.all);
  const Tensor result = Tensor::empty({1}, DType::f64, Device{});
  result.data<double>()[0] = norm;
  if (!std::isfinite(norm)) return result;
  const auto run = options.nesterov ? update<true> : update<false>;
  run(w.data<float>(), v.data<float>(), g.data<float>(), pieces.all, lr.data<float>()[0], static_cast<float>(options.momentum),
      static_cast<float>(clip_scale(norm, options.clip_norm)));
  return result;
}

}  // namespace mr
