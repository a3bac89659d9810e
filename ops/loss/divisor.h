// What a loss is divided by: a number,
//
//   sigmoid_bce(logits, targets, weights, 256);
//
// or a count that the program does not know because it stands in the memory of a GPU, the sampled
// anchors of a list that is filled up:
//
//   sigmoid_bce(logits, targets, weights, Divisor(count));          count: i32 [1], where the logits are.  max(1, count) · value
#pragma once

#include <algorithm>
#include <utility>

#include "tensor/tensor.h"

namespace mr {

struct Divisor {
  double value = 1;
  Tensor count;  // undefined: the divisor is the value

  Divisor(double v) : value(v) {}  // NOLINT(google-explicit-constructor): a number is a divisor
  explicit Divisor(Tensor n, double v = 1) : value(v), count(std::move(n)) {
    check(count.defined() && count.numel() == 1 && count.dtype() == DType::i32, "divisor: the count must be i32 [1], got ",
          count.defined() ? count.dtype() : DType::f32, " ", count.defined() ? count.shape() : Shape{});
  }
  double number() const { return count.defined() ? value * std::max(count.data<int32_t>()[0], 1) : value; }  // on the CPU
};

// For a mean over `each` terms of every row whose label (i32, any shape) lies in
// [first, end): max(1, rows)·each. The rows of all members of the process_group() count
// (tensor/process_group.h).
Divisor over_labels(const Tensor& labels, int64_t first, int64_t end, int64_t each = 1);

}  // namespace mr
