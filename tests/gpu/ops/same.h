// An operator on the device against the CPU.
#pragma once

#include <cmath>
#include <vector>

#include "autograd/var.h"
#include "tensor/context.h"
#include "tests/gpu/device.h"

namespace mr::gpu {

// What an operator gave, back on the CPU: its value, then the gradient of each floating input for Σ seed·y, and the seed.
struct Outcome {
  std::vector<Tensor> tensors;
  Tensor seed;
};

inline Tensor random_tensor(const Shape& shape, uint64_t seed, double lo = -1, double hi = 1) {
  Rng rng(seed, "same");
  Tensor t = Tensor::empty(shape, DType::f64, Device{});
  for (double& v : t.values<double>()) v = rng.uniform(lo, hi);
  return t;
}

// op(const std::vector<Var>&) → Var, on `device`. Other tensors that it uses it moves to current_device().
template <class Op> Outcome run_on(Device device, const std::vector<Tensor>& inputs, const Op& op, Tensor seed = {}) {
  const ContextGuard guard;
  context().device = device;
  std::vector<Var> in;
  for (const Tensor& t : inputs) in.emplace_back(t.to(device), is_float(t.dtype()));
  const Var y = op(in);
  if (!seed.defined()) seed = random_tensor(y.shape(), 99);
  Outcome out{{y.value().to(Device{})}, seed};
  if (y.requires_grad()) {
    const Tensor there = seed.to(y.dtype()).to(device);
    backward(y, there);
    for (const Var& v : in)
      if (v.requires_grad())
        out.tensors.push_back(v.grad().defined() ? v.grad().to(Device{}) : Tensor::zeros(v.shape(), v.dtype()).to(Device{}));
  }
  return out;
}

// |a − b| ≤ tolerance · max|b|, element by element; b is the reference.
inline void check_close(const char* what, const Tensor& a, const Tensor& b, double tolerance) {
  REQUIRE(a.shape() == b.shape());
  double largest = 0, worst = 0;
  int64_t at = 0;
  for (int64_t i = 0; i < b.numel(); ++i) largest = std::max(largest, std::abs(b.at(i)));
  for (int64_t i = 0; i < b.numel(); ++i) {
    const double d = std::abs(a.at(i) - b.at(i));
    if (!(d <= worst)) worst = d, at = i;
  }
  INFO(what << ": element " << at << " of " << str(b.shape()) << ": " << (b.numel() ? a.at(at) : 0) << ", expected "
            << (b.numel() ? b.at(at) : 0));
  CHECK(worst <= tolerance * std::max(largest, 1e-30));
}

// f64, f32 and bf16 on the device against f64 on the CPU with the same (rounded) inputs; the same bits under three orders. `loose` widens
// the tolerance, for long sums. Inputs are f64; other types go as they are. Types that the operator does not take are left out of `types`.
template <class Op> void same_on_device(const std::vector<Tensor>& inputs, const Op& op, double loose = 1,
                                        const std::vector<DType>& types = {DType::f64, DType::f32, DType::bf16}) {
  if (!has_device()) return;
  for (const DType type : types) {
    INFO(name(type));
    std::vector<Tensor> rounded, exact;
    for (const Tensor& t : inputs) {
      rounded.push_back(t.dtype() == DType::f64 ? t.to(type) : t);
      exact.push_back(t.dtype() == DType::f64 ? rounded.back().to(DType::f64) : t);
    }
    const Outcome want = run_on(Device{}, exact, op);
    const Tensor seed = want.seed.to(type).to(DType::f64);
    const Outcome reference = run_on(Device{}, exact, op, seed);
    const double tolerance = loose * (type == DType::f64 ? 1e-14 : type == DType::f32 ? 1e-6 : 1e-2);
    std::vector<Tensor> first;
    for (const uint64_t order : {0, 1, 2}) {
      INFO("order " << order);
      if constexpr (built == Built::emulated) set_seed(order);
      const Outcome got = run_on(gpu_device(), rounded, op, seed);
      REQUIRE(got.tensors.size() == reference.tensors.size());
      for (size_t i = 0; i < got.tensors.size(); ++i) {
        if (order == 0) {
          check_close(i == 0 ? "value" : str("gradient ", i - 1).c_str(), got.tensors[i], reference.tensors[i], tolerance);
        } else {
          CHECK(std::memcmp(got.tensors[i].raw(), first[i].raw(), first[i].bytes()) == 0);
        }
      }
      if (order == 0) first = got.tensors;
    }
    if constexpr (built == Built::emulated) set_seed(1);
  }
}

}  // namespace mr::gpu
