// The matrix product   C (M,N) = op(A) op(B)  (+ C),   row-major with leading dimensions, and what may follow it in the same pass:
//
//   C = relu((op(A) op(B) + C?) · scale[n] + shift[n] + residual)
//
//   A: [M,K], or [K,M] with transpose_a       B: [K,N], or [N,K] with transpose_b (the layout of weights)
//
// Types: f32, f64, or bf16 with sums in f32 (C f32 or bf16).
// scale, shift: N values of the accumulation type.
// The rungs, in the order tried: own (gemm_own.cpp: f32, f64), onednn (bf16 with AVX-512),
// openblas, reference; MR_GEMM=name forces one where it supports the case. Own and reference give
// the same bits for any number of threads.
#pragma once

#include <span>

#include "autograd/var.h"

namespace mr {

struct Gemm {
  int64_t M = 0, N = 0, K = 0;
  bool transpose_a = false, transpose_b = false;
  bool accumulate = false;     // add to what C holds
  DType dtype = DType::f32;    // of A and B
  DType c_dtype = DType::f32;  // of C and the residual
  const void *a = nullptr, *b = nullptr;
  void* c = nullptr;
  int64_t lda = 0, ldb = 0, ldc = 0;
  const void *scale = nullptr, *shift = nullptr;  // [N], or null
  const void* residual = nullptr;                 // [M,N], or null
  int64_t ldr = 0;
  bool relu = false;
  const void* b_panels = nullptr;  // op(B) as pack_panels gives it; read instead of b by `own`
};

void gemm(const Gemm& g);

// C = op(A) op(w) for a parameter w, [N,K] with transpose_b, else [K,N]: its converted and packed
// form is kept with it (Var::derived).
void gemm_with_weights(Gemm g, const Var& w);

struct GemmRung {
  const char* name;
  bool (*supports)(const Gemm&);
  void (*run)(const Gemm&);
};
std::span<const GemmRung> gemm_rungs();
const GemmRung& gemm_choice(const Gemm& g);
bool gemm_has(DType dtype);  // a rung better than the reference: false for bf16 on most processors without AVX-512

}  // namespace mr
