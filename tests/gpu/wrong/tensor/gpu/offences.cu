// One offence a line, for the test of tests/gpu/kernel_style.cmake.
#include <cub/cub.cuh>
#define TILE 32
#ifdef TILE
#endif
__constant__ float weights[4];
__device__ int counter;
__device__ float table[16];
__global__ void kernel(float* x) {
  __shared__ float tile[32];
  static int calls;
  if (x) {
    const static float last[2] = {};
  }
#pragma unroll
  const unsigned lanes = __activemask();
  auto block = cooperative_groups::this_thread_block();
  auto square = [] __device__(float v) { return v * v; };
  asm("exit;");
  printf("here");
  auto p = reinterpret_cast<volatile float*>(x);
}
template __global__ void scale_kernel<float>(float*);
void run(float* x) { kernel<<<1, 32>>>(x); }
