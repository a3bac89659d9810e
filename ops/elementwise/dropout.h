// Dropout (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014): in training each element
// is 0 with probability p, and the others grow so that the expectation stays; in evaluation it is
// left out of the network.
//
//   y[i] = m[i] · x[i] / (1 − p)          m[i] = 0 if word i of the stream < p · 2³², else 1          x, y: any shape, floating
//
// Gradient: gx[i] = m[i] · gy[i] / (1 − p). m is drawn anew from the stream, whose words depend on
// their number alone: nothing is kept, and threads and devices draw the same. A layer and a step
// take a stream of their own, Rng(seed, "dropout fc6", step). On a GPU the stream is an argument of
// the kernel, so that a recorded step (tensor/gpu/graph.h) drops the same elements each time.
// Errors: x is not floating; p outside [0, 1).
#pragma once

#include "autograd/var.h"
#include "tensor/rng.h"

namespace mr {

Var dropout(const Var& x, double p, const Rng& rng);

}  // namespace mr
