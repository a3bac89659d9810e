// Matrix products by the vendor's library, in its own terms: matrices are column-major, element (i, j) of one with leading dimension ld lies
// at i + j·ld.
//
//   C = act(α · op(A)·op(B) + β·C + bias)      op(A) [m,k], op(B) [k,n], C [m,n], for each of `batch` products
//
// op(X) is X or its transpose, so A is stored as [m,k] or as [k,m]: lda is at least m, or at least k. The bias has m values, one a row,
// added to every column, in the type of C. act is the identity or max(x, 0).
// A row-major product Y [M,N] = X [M,K] · W [K,N] is this one with its operands swapped: m = N, n = M, A = W, B = X.
//
// Types of (A, B, C): f32 throughout, f64 throughout (no epilogue), bf16 throughout, or bf16 with C in f32. Sums are f32, for f64 f64.
// With tf32 the elements of A and B, where f32, are rounded to 10 bits of mantissa first; it is as the context says unless set.
// Errors: other types; a size below 1; a leading dimension too small; memory that is no device memory or ends before the matrix does
// (emulated). cuda: cublasLt. emulated: loops in f64, rounded once.
#pragma once

#include <cstdint>

#include "tensor/context.h"
#include "tensor/dtype.h"
#include "tensor/gpu/runtime.h"

namespace mr::gpu {

enum class Op : uint8_t { none, transpose };
enum class Epilogue : uint8_t { none, bias, relu, relu_bias };

struct Gemm {
  Op op_a = Op::none, op_b = Op::none;
  int64_t m = 0, n = 0, k = 0;
  double alpha = 1, beta = 0;
  const void* a = nullptr;
  DType type_a = DType::f32;
  int64_t lda = 0, stride_a = 0;  // stride: from one product of the batch to the next, in elements
  const void* b = nullptr;
  DType type_b = DType::f32;
  int64_t ldb = 0, stride_b = 0;
  void* c = nullptr;
  DType type_c = DType::f32;
  int64_t ldc = 0, stride_c = 0;
  int64_t batch = 1;
  Epilogue epilogue = Epilogue::none;
  const void* bias = nullptr;
  bool tf32 = context().tf32;
};

void gemm(const Gemm& g, Stream& stream);  // queued

// What every build checks first.
void check_gemm(const Gemm& g);

}  // namespace mr::gpu
