// The rungs' entries, one file each; the table is in conv2d_rungs.cpp.
#pragma once

#include "ops/conv/conv2d_rungs.h"
#include "ops/gemm/gemm.h"

namespace mr {

void set_finish(Gemm& g, const Conv2dFinish& f);           // what follows a convolution, after a product whose rows are pixels
Tensor scaled_rows(const Tensor& t, const Tensor& scale);  // t[o, …] · scale[o]

namespace conv_reference {
Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f);
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f);
Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy);
}  // namespace conv_reference

namespace conv_im2col {
bool supports(const Conv2dCase& c, Conv2dPass pass);
Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f);
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f);
Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy);
}  // namespace conv_im2col

namespace conv_matmul {
bool supports(const Conv2dCase& c, Conv2dPass pass);
Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f);
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f);
Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy);
}  // namespace conv_matmul

namespace conv_winograd {
bool supports(const Conv2dCase& c, Conv2dPass pass);
Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f);
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f);
Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy);
}  // namespace conv_winograd

#ifdef MR_HAS_ONEDNN
namespace conv_onednn {
bool supports(const Conv2dCase& c, Conv2dPass pass);
Tensor forward(const Conv2dCase& c, const Tensor& x, const Var& w, const Conv2dFinish& f);
Tensor data(const Conv2dCase& c, const Tensor& gy, const Var& w, const Conv2dFinish& f);
Tensor weights(const Conv2dCase& c, const Tensor& x, const Tensor& gy);
}  // namespace conv_onednn
#endif

}  // namespace mr
