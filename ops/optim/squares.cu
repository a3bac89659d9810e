#include "ops/optim/optim_gpu.h"
#include "ops/optim/piece_kernel.h"
#include "tensor/gpu/block_sum.h"

namespace mr::gpu {
namespace {

struct Squares {
  const float* g;
  double sum = 0;  // of the thread's values

  template <int N> __device__ void at(int64_t i) {
    const auto v = load<Pack<float, N>>(g + i);
    MR_UNROLL
    for (int k = 0; k < N; ++k) sum += static_cast<double>(v[k]) * v[k];
  }
};

// A block sums the squares of one piece.
__global__ void __launch_bounds__(piece_threads) squares_kernel(const float* g, const int64_t* runs, double* parts) {
  Shared shared;
  Squares squares{g};
  walk_piece(load<Pack<int64_t, 2>>(runs + 2 * int64_t{blockIdx.x}), squares);
  const double sum = block_sum(squares.sum, shared.array<double>(sum_warps));
  if (threadIdx.x == 0) store(parts + blockIdx.x, sum);
}

}  // namespace

Tensor squares_of_pieces(const Tensor& g, const ArenaPieces& pieces) {
  static_assert(piece_threads == sum_threads);
  const auto count = static_cast<int64_t>(pieces.all.size());
  const Tensor parts = Tensor::empty({count}, DType::f64, g.device());
  if (count > 0)
    launch("gradient_squares", {count}, {piece_threads}, SharedSize().array<double>(sum_warps).bytes(), compute_stream(), squares_kernel,
           g.device_data<float>(), pieces.runs.device_data<int64_t>(), parts.device_data<double>());
  return parts;
}

}  // namespace mr::gpu
