// Three ways to transpose. Row-major x [rows, columns] → y [columns, rows].
#include "tensor/gpu/kernel.h"
#include "tests/gpu/kernels.h"

namespace mr::gpu::samples {
namespace {

constexpr int tile = 32, rows_at_once = 8;

// The tile goes through shared memory, so that reads and writes of device memory both run along rows. Its rows are `pitch` words apart: 33
// puts the words of a column into 32 different banks, 32 puts them all into one.
template <int pitch> __device__ void transpose_tile(const float* x, float* y, int rows, int columns) {
  Shared shared;
  const auto t = shared.array<float>(tile * pitch);
  const int u = static_cast<int>(threadIdx.x), i0 = static_cast<int>(blockIdx.y) * tile, j0 = static_cast<int>(blockIdx.x) * tile;
  for (int v = static_cast<int>(threadIdx.y); v < tile; v += rows_at_once)
    if (i0 + v < rows && j0 + u < columns) t[v * pitch + u] = load<float>(x + (i0 + v) * columns + j0 + u);
  __syncthreads();
  for (int v = static_cast<int>(threadIdx.y); v < tile; v += rows_at_once)
    if (j0 + v < columns && i0 + u < rows) store(y + (j0 + v) * rows + i0 + u, static_cast<float>(t[u * pitch + v]));
}

__global__ void transpose_kernel(const float* x, float* y, int rows, int columns) { transpose_tile<tile + 1>(x, y, rows, columns); }
__global__ void transpose_conflicts_kernel(const float* x, float* y, int rows, int columns) { transpose_tile<tile>(x, y, rows, columns); }

__global__ void transpose_naive_kernel(const float* x, float* y, int rows, int columns) {
  const int j = static_cast<int>(blockIdx.x) * tile + static_cast<int>(threadIdx.x);
  for (int v = static_cast<int>(threadIdx.y); v < tile; v += rows_at_once) {
    const int i = static_cast<int>(blockIdx.y) * tile + v;
    if (i < rows && j < columns) store(y + j * rows + i, load<float>(x + i * columns + j));
  }
}

Dim3 grid(int rows, int columns) { return {(columns + tile - 1) / tile, (rows + tile - 1) / tile}; }

}  // namespace

void transpose(const float* x, float* y, int rows, int columns, Stream& stream) {
  launch("transpose", grid(rows, columns), {tile, rows_at_once}, SharedSize().array<float>(tile * (tile + 1)).bytes(), stream,
         transpose_kernel, x, y, rows, columns);
}
void transpose_conflicts(const float* x, float* y, int rows, int columns, Stream& stream) {
  launch("transpose_conflicts", grid(rows, columns), {tile, rows_at_once}, SharedSize().array<float>(tile * tile).bytes(), stream,
         transpose_conflicts_kernel, x, y, rows, columns);
}
void transpose_naive(const float* x, float* y, int rows, int columns, Stream& stream) {
  launch("transpose_naive", grid(rows, columns), {tile, rows_at_once}, 0, stream, transpose_naive_kernel, x, y, rows, columns);
}

}  // namespace mr::gpu::samples
