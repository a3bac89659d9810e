// The rungs of gemm.h, each in its own file.
#pragma once

#include "ops/gemm/gemm.h"

namespace mr {

bool gemm_own_supports(const Gemm& g);
void gemm_own(const Gemm& g);

void gemm_reference(const Gemm& g);  // the three loops: any type and layout

#ifdef MR_HAS_OPENBLAS
bool gemm_openblas_supports(const Gemm& g);
void gemm_openblas(const Gemm& g);
#endif
#ifdef MR_HAS_ONEDNN
bool gemm_onednn_supports(const Gemm& g);
void gemm_onednn(const Gemm& g);
#endif

// scale, shift, residual and ReLU over a C that holds the plain product:
// for rungs that cannot do it on the way.
void gemm_finish(const Gemm& g);

}  // namespace mr
