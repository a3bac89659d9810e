// Chosen rows of a tensor: the sampled anchors' logits out of all.
//
//   y[i] = x[index[i]]          x: [M, …] floating;  index: [R], i32 or i64, each in [0, M), repeats allowed;  y: [R, …]
//   y[i] = 0                    where index[i] is −1: a place of a list that is not filled
//
// Gradient: gx[m] = Σ gy[i] over the i with index[i] = m, in rising order of i and in f32 (f64):
// each row of gx gathers its own contributions, so the sum does not depend on the number of
// threads. Rows never chosen get 0.
// Errors: x of rank 0 or not floating; index not a vector of i32 or i64;
// an index out of range (its place and value).
// On a GPU the index is not read before the kernel runs: any that is out of range gives a row of 0
// and takes no part in the gradient.
#pragma once

#include "autograd/var.h"

namespace mr {

Var gather_rows(const Var& x, const Tensor& index);

}  // namespace mr
