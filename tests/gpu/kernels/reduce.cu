// Sums over a block, histograms, and the functions of a warp.
#include "tensor/gpu/kernel.h"
#include "tests/gpu/kernels.h"

namespace mr::gpu::samples {
namespace {

constexpr int threads = 256, warps = threads / warp_size, bins = 256;
constexpr unsigned all_lanes = 0xffffffffu;

__device__ float warp_sum(float v) {
  MR_UNROLL
  for (int d = warp_size / 2; d > 0; d /= 2) v += __shfl_down_sync(all_lanes, v, d);
  return v;  // in lane 0
}

__global__ void __launch_bounds__(threads) block_sum_kernel(const float* x, float* partial, int n) {
  Shared shared;
  const auto of_warp = shared.array<float>(warps);
  const int lane = static_cast<int>(threadIdx.x) % warp_size, warp = static_cast<int>(threadIdx.x) / warp_size;
  float sum = 0;
  for (int i = static_cast<int>(blockIdx.x * threads + threadIdx.x); i < n; i += static_cast<int>(gridDim.x) * threads)
    sum += load<float>(x + i);
  sum = warp_sum(sum);
  if (lane == 0) of_warp[warp] = sum;
  __syncthreads();
  if (warp > 0) return;
  sum = 0;
  if (lane < warps) sum = of_warp[lane];
  sum = warp_sum(sum);
  if (lane == 0) store(partial + blockIdx.x, sum);
}

// One histogram a block in shared memory, added to the whole at the end.
__global__ void __launch_bounds__(threads) histogram_kernel(const uint8_t* x, int* count, int n) {
  Shared shared;
  const auto of_block = shared.array<int>(bins);
  of_block[threadIdx.x] = 0;
  __syncthreads();
  for (int i = static_cast<int>(blockIdx.x * threads + threadIdx.x); i < n; i += static_cast<int>(gridDim.x) * threads)
    atomicAdd(of_block + load<uint8_t>(x + i), 1);
  __syncthreads();
  const int here = of_block[threadIdx.x];
  if (here > 0) atomicAdd(count + threadIdx.x, here);
}

__global__ void warp_functions_kernel(int* lanes) {
  const int lane = static_cast<int>(threadIdx.x);
  const int value = 100 + lane;
  const unsigned odd = 0xaaaaaaaau;
  store(lanes + 0 * warp_size + lane, __shfl_sync(all_lanes, value, 3));
  store(lanes + 1 * warp_size + lane, __shfl_sync(all_lanes, value, 9, 8));  // lane 1 of each eight
  store(lanes + 2 * warp_size + lane, __shfl_up_sync(all_lanes, value, 5, 16));
  store(lanes + 3 * warp_size + lane, __shfl_down_sync(all_lanes, value, 5, 16));
  store(lanes + 4 * warp_size + lane, __shfl_xor_sync(all_lanes, value, 6));
  store(lanes + 5 * warp_size + lane, static_cast<int>(__ballot_sync(all_lanes, lane % 3 == 0)));
  int votes = 0;
  if (lane % 2 == 1) votes = __any_sync(odd, lane == 7) + 2 * __all_sync(odd, lane > 0) + 4 * __any_sync(odd, lane == 6);
  store(lanes + 6 * warp_size + lane, votes);
  const double wide = __shfl_xor_sync(all_lanes, 0.5 * lane, 1);
  store(lanes + 7 * warp_size + lane, static_cast<int>(2 * wide));
}

__global__ void block_votes_kernel(int* out) {
  const int i = static_cast<int>(threadIdx.x);
  const int count = __syncthreads_count(i < 70), all = __syncthreads_and(i < 96), any = __syncthreads_or(i > 95);
  if (i != 95) return;
  store(out + 0, count);
  store(out + 1, all != 0 ? 1 : 0);
  store(out + 2, any != 0 ? 1 : 0);
}

__global__ void atomics_kernel(int* out) {
  Shared shared;
  const auto most = shared.array<int>(2);
  const int i = static_cast<int>(threadIdx.x);
  if (i < 2) most[i] = i == 0 ? -1 : 1000;
  __syncthreads();
  atomicMax(most + 0, i);
  atomicMin(most + 1, i);
  const int before = atomicAdd(out, 1);  // each of 0 … 63 once
  atomicAdd(out + 1, before);            // so their sum is known
  atomicCAS(out + 2, 0, 7);              // the first alone changes it
  atomicExch(out + 3, 5);
  __syncthreads();
  if (i == 0) store(out + 4, static_cast<int>(most[0]));
  if (i == 1) store(out + 5, static_cast<int>(most[1]));
}

// In what order threads run: no kernel but this one may ask.
__global__ void draw_tickets_kernel(int* counter, int* before, int* behind) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  store(before + i, atomicAdd(counter + 0, 1));
  __syncthreads();
  store(behind + i, atomicAdd(counter + 1, 1));
}

}  // namespace

void block_sum(const float* x, float* partial, int n, int blocks, Stream& stream) {
  launch("block_sum", {blocks}, {threads}, SharedSize().array<float>(warps).bytes(), stream, block_sum_kernel, x, partial, n);
}
void histogram(const uint8_t* x, int* count, int n, Stream& stream) {
  launch("histogram", {16}, {threads}, SharedSize().array<int>(bins).bytes(), stream, histogram_kernel, x, count, n);
}
void warp_functions(int* lanes, Stream& stream) { launch("warp_functions", {1}, {warp_size}, 0, stream, warp_functions_kernel, lanes); }
void block_votes(int* out, Stream& stream) { launch("block_votes", {1}, {96}, 0, stream, block_votes_kernel, out); }
void draw_tickets(int* counter, int* before, int* behind, Stream& stream) {
  launch("draw_tickets", {4}, {64}, 0, stream, draw_tickets_kernel, counter, before, behind);
}
void atomics(int* out, Stream& stream) { launch("atomics", {1}, {64}, SharedSize().array<int>(2).bytes(), stream, atomics_kernel, out); }

}  // namespace mr::gpu::samples
