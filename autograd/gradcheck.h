// Checks an operator's gradient against central differences, in f64:
//
//   ∂L/∂x_i ≈ (L(x + h e_i) − L(x − h e_i)) / 2h,     L = Σ_j r_j y_j with fixed random r
//
// The difference is judged relative to the largest entry of the numeric gradient. Piecewise operators must be tried away from
// their ties.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/var.h"

namespace mr {

struct GradcheckOptions {
  double step = 1e-6;
  double tolerance = 1e-6;
  int64_t most = 400;  // entries tried per input, spread evenly; all if there are fewer
};

struct GradcheckResult {
  bool ok = true;
  double worst = 0;     // largest |analytic − numeric| / max|numeric| over the inputs
  std::string message;  // which entry of which input, both values
};

// f maps the inputs (f64, each treated as requiring a gradient) to one output or several.
GradcheckResult gradcheck(const std::function<std::vector<Var>(const std::vector<Var>&)>& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});
GradcheckResult gradcheck(const std::function<Var(const std::vector<Var>&)>& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});

}  // namespace mr
