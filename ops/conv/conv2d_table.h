// The rungs' entries, each at the end of its own file; the table is in conv2d_rungs.cpp.
#pragma once

#include "ops/conv/conv2d_rungs.h"
#include "ops/gemm/gemm.h"

namespace mr {

extern const Conv2dRung conv2d_reference, conv2d_grouped, conv2d_im2col, conv2d_matmul, conv2d_winograd;
#ifdef MR_HAS_ONEDNN
extern const Conv2dRung conv2d_onednn;
#endif

void set_finish(Gemm& g, const Conv2dFinish& f);           // what follows a convolution, after a product whose rows are pixels
Tensor scaled_rows(const Tensor& t, const Tensor& scale);  // t[o, …] · scale[o], of t's type

}  // namespace mr
