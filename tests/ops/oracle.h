// What the tests of the ops share: random inputs, and the judgement of a result against an oracle in f64.
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/gradcheck.h"
#include "tensor/context.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"

namespace mr::test {

inline constexpr DType float_types[] = {DType::f64, DType::f32, DType::bf16};

// Normal numbers, rounded to `dtype`; the same for the same purpose.
inline Tensor random_tensor(const Shape& shape, std::string_view purpose, DType dtype = DType::f64, double mean = 0, double sd = 1) {
  const Tensor t = Tensor::empty(shape, DType::f64);
  Rng rng(1, purpose);
  for (double& v : t.values<double>()) v = mean + sd * rng.normal();
  return t.to(dtype);
}

// Distinct numbers at least 0.01 apart and 0.005 from 0, in random order: piecewise operators stay away from their ties.
inline Tensor distinct_tensor(const Shape& shape, std::string_view purpose, DType dtype = DType::f64) {
  const Tensor t = Tensor::empty(shape, DType::f64);
  const auto v = t.values<double>();
  for (size_t i = 0; i < v.size(); ++i) v[i] = 0.01 * (static_cast<double>(i) + 0.5 - static_cast<double>(v.size() / 2));
  Rng rng(2, purpose);
  for (size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[rng.below(i)]);
  return t.to(dtype);
}

inline double eps_of(DType t) { return t == DType::f64 ? 0x1p-52 : t == DType::f32 ? 0x1p-23 : 0x1p-7; }

// Oracles compute in more digits than f64 where the machine has them (x86), so that f64 results can be judged too.
using real = long double;

// One output of the oracle: its value and Σ|terms| of the sum behind it.
struct Exact {
  real value = 0, terms = 0;
  Exact& operator+=(real term) {
    value += term;
    terms += std::abs(term);
    return *this;
  }
};

// Empty when every |y − exact| ≤ c · eps(type of y) · Σ|terms|; otherwise which entry is furthest off.
inline std::string off(const Tensor& y, const std::vector<Exact>& exact, double c = 4) {
  if (y.numel() != static_cast<int64_t>(exact.size())) return str("expected ", exact.size(), " values, got ", y.numel());
  real worst = 1;
  std::string message;
  for (int64_t i = 0; i < y.numel(); ++i) {
    const Exact& e = exact[static_cast<size_t>(i)];
    const real allowed = c * eps_of(y.dtype()) * std::max<real>(e.terms, 1e-30), error = std::abs(y.at(i) - e.value);
    if (error / allowed <= worst) continue;
    worst = error / allowed;
    message = str("entry ", i, ": expected ", static_cast<double>(e.value), ", got ", y.at(i), " (", static_cast<double>(worst),
                  " times what is allowed)");
  }
  return message;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// f() → Tensor gives the same bits with one thread and with several.
template <class F> bool same_for_any_threads(F f) {
  const ContextGuard guard;
  context().threads = 1;
  const Tensor one = f();
  for (const int threads : {2, 3, 5}) {
    context().threads = threads;
    if (!same_bits(one, f())) return false;
  }
  return true;
}

// ∂ Σ gy·f(x) / ∂x,  f: Var → Var
template <class F> Tensor gradient(F f, const Tensor& x, const Tensor& gy) {
  const Var v(x, true);
  backward(f(v), gy);
  return v.grad();
}

// gradcheck's complaint, or "".
template <class F> std::string gradient_off(F f, const std::vector<Tensor>& inputs) {
  const GradcheckResult r = gradcheck(std::function<Var(const std::vector<Var>&)>(f), inputs);
  return r.ok ? "" : r.message;
}

}  // namespace mr::test
