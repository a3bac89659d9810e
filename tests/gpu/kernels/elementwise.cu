// One value or one pack a thread.
#include "tensor/gpu/kernel.h"
#include "tests/gpu/kernels.h"

namespace mr::gpu::samples {
namespace {

constexpr int threads = 256;

int64_t blocks_for(int n, int per_block) { return (n + per_block - 1) / per_block; }

__global__ void vector_add_kernel(const float* a, const float* b, float* y, int n) {
  const int i = 4 * static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i + 4 <= n) {
    const auto u = load<Pack<float, 4>>(a + i), v = load<Pack<float, 4>>(b + i);
    Pack<float, 4> sum;
    MR_UNROLL
    for (int k = 0; k < 4; ++k) sum[k] = u[k] + v[k];
    store(y + i, sum);
  } else {
    for (int k = i; k < n; ++k) store(y + k, load<float>(a + k) + load<float>(b + k));
  }
}

__global__ void convert_bf16_kernel(const float* x, uint16_t* y, float* z, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  store(y + i, bf16(load<float>(x + i)).bits);
  bf16 v;
  v.bits = static_cast<uint16_t>(i);
  store(z + i, static_cast<float>(v));
}

__global__ void write_value_kernel(float* x, int n, float value) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) store(x + i, value);
}

__global__ void scale_kernel(const float* x, float* y, int n, float factor) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) store(y + i, factor * load<float>(x + i));
}

}  // namespace

void vector_add(const float* a, const float* b, float* y, int n, Stream& stream) {
  launch("vector_add", {blocks_for(n, 4 * threads)}, {threads}, 0, stream, vector_add_kernel, a, b, y, n);
}
void convert_bf16(const float* x, uint16_t* y, float* z, int n, Stream& stream) {
  launch("convert_bf16", {blocks_for(n, threads)}, {threads}, 0, stream, convert_bf16_kernel, x, y, z, n);
}
void write_value(float* x, int n, float value, Stream& stream) {
  launch("write_value", {blocks_for(n, threads)}, {threads}, 0, stream, write_value_kernel, x, n, value);
}
void scale(const float* x, float* y, int n, float factor, Stream& stream) {
  launch("scale", {blocks_for(n, threads)}, {threads}, 0, stream, scale_kernel, x, y, n, factor);
}

}  // namespace mr::gpu::samples
