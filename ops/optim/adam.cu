#include "ops/optim/adam_rule.h"
#include "ops/optim/optim_gpu.h"
#include "ops/optim/piece_kernel.h"
#include "tensor/gpu/block_sum.h"

namespace mr::gpu {
namespace {

// Stores the gradient's norm; advances the powers of both β if the step is taken.
struct StoreNormAndPowers {
  double *norm, *powers;
  double beta1, beta2;
  __device__ void operator()(double sum) const {
    store(norm, std::sqrt(sum));
    if (!std::isfinite(sum)) return;
    store(powers, load<double>(powers) * beta1);
    store(powers + 1, load<double>(powers + 1) * beta2);
  }
};

struct Arrays {
  float *w, *m, *v;
  const float* g;
  const int64_t* runs;
  const float* factors;
  const double *norm, *powers;
  const float* lr;
  AdamOptions options;
};

template <AdamDecay way> struct Update {
  AdamRule<way> rule;
  const Arrays& a;

  template <int N> __device__ void at(int64_t i) const {
    auto w = load<Pack<float, N>>(a.w + i), m = load<Pack<float, N>>(a.m + i), v = load<Pack<float, N>>(a.v + i);
    const auto g = load<Pack<float, N>>(a.g + i);
    MR_UNROLL
    for (int k = 0; k < N; ++k) {
      const auto next = rule(w[k], m[k], v[k], g[k]);
      w[k] = next.w;
      m[k] = next.m;
      v[k] = next.v;
    }
    store(a.w + i, w);
    store(a.m + i, m);
    store(a.v + i, v);
  }
};

// A block updates one piece.
template <AdamDecay way> __global__ void __launch_bounds__(piece_threads) adam_kernel(Arrays a) {
  const double norm = load<double>(a.norm);
  if (!std::isfinite(norm)) return;
  const auto factors = load<Pack<float, 2>>(a.factors + 2 * int64_t{blockIdx.x});
  const auto powers = load<Pack<double, 2>>(a.powers);
  Update<way> update{adam_rule<way>(a.options, load<float>(a.lr), factors[0], factors[1], norm, powers[0], powers[1]), a};
  walk_piece(load<Pack<int64_t, 2>>(a.runs + 2 * int64_t{blockIdx.x}), update);
}

}  // namespace

Tensor adam_step(const Tensor& w, const AdamState& state, const Tensor& g, const ArenaPieces& pieces, const AdamOptions& options,
                 const Tensor& lr) {
  const auto count = static_cast<int64_t>(pieces.all.size());
  const Tensor parts = squares_of_pieces(g, pieces), norm = Tensor::empty({1}, DType::f64, w.device());
  double* const powers = state.powers.device_data<double>();
  join_parts("adam_norm", count, parts.device_data<double>(),
             StoreNormAndPowers{norm.device_data<double>(), powers, options.beta1, options.beta2});
  const Arrays a{w.device_data<float>(),
                 state.mean.device_data<float>(),
                 state.square.device_data<float>(),
                 g.device_data<float>(),
                 pieces.runs.device_data<int64_t>(),
                 pieces.factors.device_data<float>(),
                 norm.device_data<double>(),
                 powers,
                 lr.device_data<float>(),
                 options};
  const auto kernel = options.decay == AdamDecay::coupled ? adam_kernel<AdamDecay::coupled> : adam_kernel<AdamDecay::decoupled>;
  if (count > 0) launch("adam", {count}, {piece_threads}, 0, compute_stream(), kernel, a);
  return norm;
}

}  // namespace mr::gpu
