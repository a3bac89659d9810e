// The same elements under another shape; the memory is shared, nothing is copied.
//
//   reshape(x, shape)     y: shape, as many elements as x, row-major order kept
//   flatten_rows(x)       [N, …] → [N, product of the rest]: what a fully connected layer reads
//
// Mind the order: a [N,H,W,C] map flattens to H·W·C columns with C fastest (torchvision's fc6
// weights have C·H·W; weights/ reorders them).
// Gradient: gx = gy under x's shape.
// Errors: another number of elements; flatten_rows of rank 0.
#pragma once

#include "autograd/var.h"

namespace mr {

Var reshape(const Var& x, const Shape& shape);
Var flatten_rows(const Var& x);

}  // namespace mr
