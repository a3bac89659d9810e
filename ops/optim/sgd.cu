#include "ops/optim/sgd_gpu.h"
#include "ops/optim/sgd_rule.h"
#include "tensor/gpu/block_sum.h"

namespace mr::gpu {
namespace {

constexpr int threads = sum_threads, lanes = 4;

// A block sums the squares of one piece: a thread every 256th pack of 16 bytes, then what is left of the last pack.
__global__ void __launch_bounds__(threads) squares_kernel(const float* g, const int64_t* runs, double* parts) {
  Shared shared;
  const auto run = load<Pack<int64_t, 2>>(runs + 2 * int64_t{blockIdx.x});
  const int64_t whole = run[0] + (run[1] - run[0]) / lanes * lanes;
  double sum = 0;
  for (int64_t i = run[0] + int64_t{threadIdx.x} * lanes; i < whole; i += int64_t{threads} * lanes) {
    const auto v = load<Pack<float, lanes>>(g + i);
    MR_UNROLL
    for (int k = 0; k < lanes; ++k) sum += static_cast<double>(v[k]) * v[k];
  }
  if (const int64_t i = whole + int64_t{threadIdx.x}; i < run[1]) {
    const double v = load<float>(g + i);
    sum += v * v;
  }
  sum = block_sum(sum, shared.array<double>(sum_warps));
  if (threadIdx.x == 0) store(parts + blockIdx.x, sum);
}

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

// A block updates one piece, packs as above.
template <bool nesterov> __global__ void __launch_bounds__(threads) sgd_kernel(Arrays a) {
  const double norm = load<double>(a.norm);
  if (!std::isfinite(norm)) return;
  const auto run = load<Pack<int64_t, 2>>(a.runs + 2 * int64_t{blockIdx.x});
  const auto factors = load<Pack<float, 2>>(a.factors + 2 * int64_t{blockIdx.x});
  const SgdRule<nesterov> rule{load<float>(a.lr) * factors[0], a.momentum, factors[1], static_cast<float>(clip_scale(norm, a.clip_norm))};
  const int64_t whole = run[0] + (run[1] - run[0]) / lanes * lanes;
  for (int64_t i = run[0] + int64_t{threadIdx.x} * lanes; i < whole; i += int64_t{threads} * lanes) {
    auto w = load<Pack<float, lanes>>(a.w + i), v = load<Pack<float, lanes>>(a.v + i);
    const auto g = load<Pack<float, lanes>>(a.g + i);
    MR_UNROLL
    for (int k = 0; k < lanes; ++k) {
      const auto next = rule(w[k], v[k], g[k]);
      w[k] = next.w;
      v[k] = next.v;
    }
    store(a.w + i, w);
    store(a.v + i, v);
  }
  if (const int64_t i = whole + int64_t{threadIdx.x}; i < run[1]) {
    const auto next = rule(load<float>(a.w + i), load<float>(a.v + i), load<float>(a.g + i));
    store(a.w + i, next.w);
    store(a.v + i, next.v);
  }
}

}  // namespace

Tensor sgd_step(const Tensor& w, const Tensor& v, const Tensor& g, const SgdPieces& pieces, const SgdOptions& options, const Tensor& lr) {
  const auto count = static_cast<int64_t>(pieces.all.size());
  const Tensor parts = Tensor::empty({count}, DType::f64, w.device()), norm = Tensor::empty({1}, DType::f64, w.device());
  const int64_t* runs = pieces.runs.device_data<int64_t>();
  if (count > 0)
    launch("sgd_squares", {count}, {threads}, SharedSize().array<double>(sum_warps).bytes(), compute_stream(), squares_kernel,
           g.device_data<float>(), runs, parts.device_data<double>());
  join_parts("sgd_norm", count, parts.device_data<double>(), StoreNorm{norm.device_data<double>()});
  const Arrays a{w.device_data<float>(),
                 v.device_data<float>(),
                 g.device_data<float>(),
                 runs,
                 pieces.factors.device_data<float>(),
                 norm.device_data<double>(),
                 lr.device_data<float>(),
                 static_cast<float>(options.momentum),
                 options.clip_norm};
  if (count > 0) launch("sgd", {count}, {threads}, 0, compute_stream(), options.nesterov ? sgd_kernel<true> : sgd_kernel<false>, a);
  return norm;
}

}  // namespace mr::gpu
