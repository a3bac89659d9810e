// Rows and columns of each matrix of a list exchanged.
//
//   y[r, b, a] = x[r, a, b]          x: [R,A,B] floating;  y: [R,B,A]
//
// What a fully connected layer gives for A classes and B pixels, as maps of A channels.
// By hand: [[1 2 3] [4 5 6]] becomes [[1 4] [2 5] [3 6]].
// Gradient: the same of gy.
// Errors: x not of rank 3 or not floating.
#pragma once

#include "autograd/var.h"

namespace mr {

Var transpose_each(const Var& x);

}  // namespace mr
