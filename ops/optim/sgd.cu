#include "ops/optim/optim_gpu.h"
#include "ops/optim/piece_kernel.h"
#include "ops/optim/sgd_rule.h"
#include "tensor/gpu/block_sum.h"

namespace mr::gpu {
namespace {

struct StoreNorm {
  double* norm;
  __device__ void operator()(double sum) const { store(norm, std::sqrt(sum)); }
};

struct Arrays {
  float *w, *v;
  const float* g;
  const int64_t* runs;
  const float* factors;
  const double* norm;
  const float* lr;
  float momentum;
  double clip_norm;
};

template <bool nesterov> struct Update {
  SgdRule<nesterov> rule;
  const Arrays& a;

  template <int N> __device__ void at(int64_t i) const {
    auto w = load<Pack<float, N>>(a.w + i), v = load<Pack<float, N>>(a.v + i);
    const auto g = load<Pack<float, N>>(a.g + i);
    MR_UNROLL
    for (int k = 0; k < N; ++k) {
      const auto next = rule(w[k], v[k], g[k]);
      w[k] = next.w;
      v[k] = next.v;
    }
    store(a.w + i, w);
    store(a.v + i, v);
  }
};

// A block updates one piece.
template <bool nesterov> __global__ void __launch_bounds__(piece_threads) sgd_kernel(Arrays a) {
  const double norm = load<double>(a.norm);
  if (!std::isfinite(norm)) return;
  const auto factors = load<Pack<float, 2>>(a.factors + 2 * int64_t{blockIdx.x});
  const SgdRule<nesterov> rule{load<float>(a.lr) * factors[0], a.momentum, factors[1], static_cast<float>(clip_scale(norm, a.clip_norm))};
  Update<nesterov> update{rule, a};
  walk_piece(load<Pack<int64_t, 2>>(a.runs + 2 * int64_t{blockIdx.x}), update);
}

}  // namespace

Tensor sgd_step(const Tensor& w, const Tensor& v, const Tensor& g, const ArenaPieces& pieces, const SgdOptions& options, const Tensor& lr) {
  const auto count = static_cast<int64_t>(pieces.all.size());
  const Tensor parts = squares_of_pieces(g, pieces), norm = Tensor::empty({1}, DType::f64, w.device());
  join_parts("sgd_norm", count, parts.device_data<double>(), StoreNorm{norm.device_data<double>()});
  const Arrays a{w.device_data<float>(),
                 v.device_data<float>(),
                 g.device_data<float>(),
                 pieces.runs.device_data<int64_t>(),
                 pieces.factors.device_data<float>(),
                 norm.device_data<double>(),
                 lr.device_data<float>(),
                 static_cast<float>(options.momentum),
                 options.clip_norm};
  if (count > 0) launch("sgd", {count}, {piece_threads}, 0, compute_stream(), options.nesterov ? sgd_kernel<true> : sgd_kernel<false>, a);
  return norm;
}

}  // namespace mr::gpu
