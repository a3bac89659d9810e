// Kernels written as those of the operators are, for the tests of the device: each a launcher here and a *.cu file in tests/gpu/kernels.
// All pointers are to device memory.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/dtype.h"
#include "tensor/gpu/runtime.h"

namespace mr::gpu::samples {

void vector_add(const float* a, const float* b, float* y, int n, Stream& stream);   // y = a + b
void block_sum(const float* x, float* partial, int n, int blocks, Stream& stream);  // partial[b]: the share of block b; Σ partial = Σ x
void transpose(const float* x, float* y, int rows, int columns, Stream& stream);    // y[j,i] = x[i,j]
void transpose_naive(const float* x, float* y, int rows, int columns, Stream& stream);      // without shared memory: strided writes
void transpose_conflicts(const float* x, float* y, int rows, int columns, Stream& stream);  // rows of the tile 32 words apart
void histogram(const uint8_t* x, int* count, int n, Stream& stream);                        // count[v] += how many x are v, v of 256
// c [M,N] = a [M,K] · b [K,N], row-major; N and K multiples of 8.
void matmul(const bf16* a, const bf16* b, float* c, int M, int N, int K, Stream& stream);

// One product of the matrix units by one warp: d [M,N] = c + a [M,K] · b [K,N], row-major.
void fragment_bf16(const bf16* a, const bf16* b, const float* c, float* d, Stream& stream);       // 16×8×16
void fragment_tf32(const float* a, const float* b, const float* c, float* d, Stream& stream);     // 16×8×8
void fragment_f64(const double* a, const double* b, const double* c, double* d, Stream& stream);  // 8×8×4

// y[i] = the bits of bf16(x[i]), z[i] = the value of the bf16 with the bits i; n values of each.
void convert_bf16(const float* x, uint16_t* y, float* z, int n, Stream& stream);

// lanes[0…31] of each of 8 results of a warp's shuffles and votes (tests/gpu/device_test.cpp says which).
void warp_functions(int* lanes, Stream& stream);
// out[0‥2]: of 96 threads, how many have a number below 70; whether all are below 96; whether one is above 95.
void block_votes(int* out, Stream& stream);
// out: the old values that 64 threads see from each atomic, then the values in the end.
void atomics(int* out, Stream& stream);

// Every thread draws a ticket from counter[0] before a barrier and one from counter[1] behind it; 4 blocks of 64 threads.
void draw_tickets(int* counter, int* before, int* behind, Stream& stream);

void write_value(float* x, int n, float value, Stream& stream);             // x[i] = value
void scale(const float* x, float* y, int n, float factor, Stream& stream);  // y = factor · x

// Kernels with one mistake each. The lines that hold it end in "planted: <name>".
struct Planted {
  const char* name;
  void (*launch)(float* x, Stream& stream);  // x: 1024 values
  const char* message;                       // a part of the error's
};
std::span<const Planted> planted_bugs();
// Right, but only just: what they do must not be reported.
std::span<const Planted> close_calls();
void write_behind(float* x, int n, Stream& stream);  // x[n], not through store

}  // namespace mr::gpu::samples
