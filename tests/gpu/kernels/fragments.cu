// One product of the matrix units, its fragments put together by hand as tensor/gpu/ptx.h lays them out.
#include "tensor/gpu/kernel.h"
#include "tests/gpu/kernels.h"

namespace mr::gpu::samples {
namespace {

__device__ uint32_t two(const bf16* p, int stride) { return load<bf16>(p).bits | static_cast<uint32_t>(load<bf16>(p + stride).bits) << 16; }

__global__ void fragment_bf16_kernel(const bf16* a, const bf16* b, const float* c, float* d) {
  const int g = static_cast<int>(threadIdx.x) / 4, t = static_cast<int>(threadIdx.x) % 4;
  const uint32_t x[4] = {two(a + g * 16 + 2 * t, 1), two(a + (g + 8) * 16 + 2 * t, 1), two(a + g * 16 + 2 * t + 8, 1),
                         two(a + (g + 8) * 16 + 2 * t + 8, 1)};
  const uint32_t y[2] = {two(b + 2 * t * 8 + g, 8), two(b + (2 * t + 8) * 8 + g, 8)};
  float z[4];
  for (int e = 0; e < 4; ++e) z[e] = load<float>(c + (g + 8 * (e / 2)) * 8 + 2 * t + e % 2);
  mma_bf16(z, x, y);
  for (int e = 0; e < 4; ++e) store(d + (g + 8 * (e / 2)) * 8 + 2 * t + e % 2, z[e]);
}

__global__ void fragment_tf32_kernel(const float* a, const float* b, const float* c, float* d) {
  const int g = static_cast<int>(threadIdx.x) / 4, t = static_cast<int>(threadIdx.x) % 4;
  uint32_t x[4], y[2];
  for (int r = 0; r < 4; ++r) x[r] = to_tf32(load<float>(a + (g + 8 * (r % 2)) * 8 + t + 4 * (r / 2)));
  for (int r = 0; r < 2; ++r) y[r] = to_tf32(load<float>(b + (t + 4 * r) * 8 + g));
  float z[4];
  for (int e = 0; e < 4; ++e) z[e] = load<float>(c + (g + 8 * (e / 2)) * 8 + 2 * t + e % 2);
  mma_tf32(z, x, y);
  for (int e = 0; e < 4; ++e) store(d + (g + 8 * (e / 2)) * 8 + 2 * t + e % 2, z[e]);
}

__global__ void fragment_f64_kernel(const double* a, const double* b, const double* c, double* d) {
  const int g = static_cast<int>(threadIdx.x) / 4, t = static_cast<int>(threadIdx.x) % 4;
  double z[2] = {load<double>(c + g * 8 + 2 * t), load<double>(c + g * 8 + 2 * t + 1)};
  mma_f64(z, load<double>(a + g * 4 + t), load<double>(b + t * 8 + g));
  for (int e = 0; e < 2; ++e) store(d + g * 8 + 2 * t + e, z[e]);
}

}  // namespace

void fragment_bf16(const bf16* a, const bf16* b, const float* c, float* d, Stream& stream) {
  launch("fragment_bf16", {1}, {warp_size}, 0, stream, fragment_bf16_kernel, a, b, c, d);
}
void fragment_tf32(const float* a, const float* b, const float* c, float* d, Stream& stream) {
  launch("fragment_tf32", {1}, {warp_size}, 0, stream, fragment_tf32_kernel, a, b, c, d);
}
void fragment_f64(const double* a, const double* b, const double* c, double* d, Stream& stream) {
  launch("fragment_f64", {1}, {warp_size}, 0, stream, fragment_f64_kernel, a, b, c, d);
}

}  // namespace mr::gpu::samples
