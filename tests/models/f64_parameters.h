// Parameters in f64, so that what is made of layers can be checked as an operator is.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "models/parameters.h"
#include "tests/catch.h"
#include "tests/ops/oracle.h"

namespace mr::test {

inline int64_t count(const Parameters& p) {
  int64_t n = 0;
  for (const Parameter& one : p.all()) n += one.var.shape().numel();
  return n;
}

// In place of pack(): normal numbers, each parameter by its name.
inline void set_f64(Parameters& p, uint64_t seed, double sd = 0.5) {
  for (Parameter& one : p.all()) {
    const Tensor value = Tensor::empty(one.var.shape(), DType::f64);
    Rng rng(seed, one.name);
    for (double& v : value.values<double>()) v = sd * rng.normal();
    one.var.set_value(value);
    one.var.set_requires_grad(true);
  }
}

// The gradients of Σ seed·y, y = f() and the seed normal numbers, against differences: of some
// entries of each parameter.
inline void check_parameter_gradients(Parameters& p, const std::function<Var()>& f) {
  std::vector<Tensor> gradients;
  for (Parameter& one : p.all()) one.var.set_grad({});
  const Var first = f();
  const Tensor seed = random_tensor(first.shape(), "seed");
  backward(first, seed);
  for (const Parameter& one : p.all()) {
    INFO(one.name);
    REQUIRE(one.var.grad().defined());
    gradients.push_back(one.var.grad());
  }
  const NoGrad guard;
  for (size_t k = 0; k < p.all().size(); ++k) {
    const Parameter& one = p.all()[k];
    const int64_t n = one.var.shape().numel();
    for (const int64_t i : {int64_t{0}, n / 3, n - 1}) {
      const auto at = [&](double step) {
        double& v = one.var.value().data<double>()[i];
        const double before = v;
        v += step;
        one.var.touch();
        const Tensor y = f().value();
        double sum = 0;
        for (int64_t j = 0; j < y.numel(); ++j) sum += seed.at(j) * y.at(j);
        v = before;
        one.var.touch();
        return sum;
      };
      INFO(one.name << ", entry " << i);
      CHECK(gradients[k].at(i) == Approx((at(1e-6) - at(-1e-6)) / 2e-6).epsilon(1e-5).margin(1e-6));
    }
  }
}

}  // namespace mr::test
