// What the losses share: a sum over fixed blocks, and the number that comes out.
#pragma once

#include <vector>

#include "autograd/var.h"
#include "ops/kernel.h"
#include "ops/loss/divisor.h"
#include "ops/loss/loss_gpu.h"
#include "tensor/gpu/built.h"

namespace mr {

// Σ f(i) over [0, n) in f64: runs of 64 terms, the runs of a block of `grain`, then the blocks in
// order. The same for every number of threads, and its rounding grows with the length of a run, not
// of the sum.
template <class F> double sum_blocks(int64_t n, int64_t grain, F f) {
  std::vector<double> partial(static_cast<size_t>((n + grain - 1) / grain));
  parallel_ranges(n, grain, [&](int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t i = begin; i < end;) {
      double run = 0;
      for (const int64_t stop = std::min(i + 64, end); i < stop; ++i) run += static_cast<double>(f(i));
      sum += run;
    }
    partial[static_cast<size_t>(begin / grain)] = sum;
  });
  double sum = 0;
  for (const double p : partial) sum += p;
  return sum;
}

// A loss is one number, [1]: f32, or f64 for f64 inputs.
inline Tensor loss_value(double sum, double divisor, DType input) {
  return Tensor::full({1}, sum == 0 ? 0 : sum / divisor, acc_dtype(input));
}

inline void check_divisor(const char* op, const Divisor& divisor, int64_t terms) {
  check(terms == 0 || divisor.value > 0, op, ": divisor must be positive, got ", divisor.value);
}

// i32 class numbers, one a row, each in [first, end). Those in the memory of a GPU are not read.
inline void check_labels(const char* op, const Tensor& labels, int64_t rows, int64_t end, int64_t first = 0) {
  check(labels.defined() && labels.dtype() == DType::i32 && labels.rank() == 1 && labels.size(0) == rows, op, ": labels must be i32 [",
        rows, "], got ", labels.defined() ? name(labels.dtype()) : "none", " ", labels.defined() ? labels.shape() : Shape{});
  if (labels.on_gpu()) return;
  const int32_t* k = labels.data<int32_t>();
  for (int64_t i = 0; i < rows; ++i)
    check(first <= k[i] && k[i] < end, op, ": label ", i, " must be in [", first, ", ", end, "), got ", k[i]);
}

// Targets or weights in the type a loss is computed in.
inline Tensor check_like(const char* op, const char* what, const Tensor& t, const Shape& shape, DType input) {
  check(t.defined() && t.shape() == shape, op, ": ", what, " must have shape ", shape, ", got ", t.defined() ? str(t.shape()) : "none");
  check(is_float(t.dtype()), op, ": ", what, " must be floating, got ", t.dtype());
  return t.to(acc_dtype(input));
}

}  // namespace mr
