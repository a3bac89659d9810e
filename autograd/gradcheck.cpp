#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "tensor/rng.h"

namespace mr {
namespace {

using Fn = std::function<std::vector<Var>(const std::vector<Var>&)>;

std::vector<Var> leaves(const std::vector<Tensor>& inputs, bool requires_grad) {
  std::vector<Var> vars;
  for (const Tensor& t : inputs) vars.emplace_back(t.clone(), requires_grad);
  return vars;
}

Tensor random_weights(const Shape& shape, uint64_t output) {
  Tensor r = Tensor::empty(shape, DType::f64);
  Rng rng(7, "gradcheck", output);
  for (double& v : r.values<double>()) v = rng.normal();
  return r;
}

double weighted_sum(const std::vector<Var>& outputs) {
  double sum = 0;
  for (size_t k = 0; k < outputs.size(); ++k) {
    const Tensor r = random_weights(outputs[k].shape(), k);
    const auto y = outputs[k].value().values<double>();
    for (size_t i = 0; i < y.size(); ++i) sum += r.values<double>()[i] * y[i];
  }
  return sum;
}

double evaluate(const Fn& f, const std::vector<Tensor>& inputs) {
  const NoGrad guard;
  return weighted_sum(f(leaves(inputs, false)));
}

// One tape node over all the outputs, so that shared parts of the tape are run once.
void run_backward(const std::vector<Var>& outputs) {
  const Var total = record("gradcheck", outputs, Tensor::zeros({1}, DType::f64), [outputs](Grads& g) {
    for (size_t k = 0; k < outputs.size(); ++k) g.give(static_cast<int>(k), random_weights(outputs[k].shape(), k));
  });
  backward(total);
}

}  // namespace

GradcheckResult gradcheck(const Fn& f, const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  for (const Tensor& t : inputs) check(t.dtype() == DType::f64, "gradcheck: inputs must be f64, got ", t.dtype());
  const std::vector<Var> vars = leaves(inputs, true);
  run_backward(f(vars));

  GradcheckResult result;
  std::vector<Tensor> moved;
  for (const Tensor& t : inputs) moved.push_back(t.clone());
  for (size_t k = 0; k < inputs.size(); ++k) {
    const auto x = moved[k].values<double>();
    const int64_t n = moved[k].numel(), stride = std::max<int64_t>(1, n / options.most);
    struct Entry {
      int64_t i;
      double analytic, numeric;
    };
    std::vector<Entry> entries;
    double largest = 0;
    for (int64_t i = 0; i < n; i += stride) {
      const double keep = x[static_cast<size_t>(i)];
      x[static_cast<size_t>(i)] = keep + options.step;
      const double up = evaluate(f, moved);
      x[static_cast<size_t>(i)] = keep - options.step;
      const double down = evaluate(f, moved);
      x[static_cast<size_t>(i)] = keep;
      const double analytic = vars[k].grad().defined() ? vars[k].grad().at(i) : 0;
      const double numeric = (up - down) / (2 * options.step);
      entries.push_back({i, analytic, numeric});
      largest = std::max(largest, std::abs(numeric));
    }
    for (const Entry& e : entries) {
      const double off = std::abs(e.analytic - e.numeric) / std::max(largest, 1e-3);
      if (!(off <= result.worst)) {  // a NaN counts as the worst
        result.worst = off;
        result.message = str("input ", k, " ", inputs[k].shape(), " entry ", e.i, ": analytic ", e.analytic, ", numeric ", e.numeric,
                             ", largest ", largest);
      }
    }
  }
  result.ok = result.worst <= options.tolerance;
  return result;
}

GradcheckResult gradcheck(const std::function<Var(const std::vector<Var>&)>& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  return gradcheck(Fn([&f](const std::vector<Var>& v) { return std::vector<Var>{f(v)}; }), inputs, options);
}

}  // namespace mr
