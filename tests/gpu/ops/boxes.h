// Helpers of the tests of ops/boxes on the device.
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "ops/boxes/boxes_gpu.h"
#include "tensor/context.h"
#include "tests/gpu/device.h"

namespace mr::gpu {

inline Tensor there(const Tensor& t) { return t.to(gpu_device()); }
inline BoxList there(const BoxList& list) { return {there(list.boxes), there(list.count)}; }
inline Tensor here(const Tensor& t) { return t.to(Device{}); }

template <class T> std::vector<T> values_of(const Tensor& t) {
  const Tensor host = here(t);
  return {host.data<T>(), host.data<T>() + host.numel()};
}
template <class T> Tensor tensor_of(const Shape& shape, const std::vector<T>& values) { return there(Tensor::of<T>(shape, values)); }
inline Tensor counts_of(const std::vector<int32_t>& counts) { return tensor_of<int32_t>({static_cast<int64_t>(counts.size())}, counts); }

// Boxes of whole pixels within `extent`, so that many overlap and some are equal.
inline Tensor whole_boxes(const Shape& shape, uint64_t seed, uint64_t extent = 40) {
  Rng rng(seed, "boxes");
  Tensor t = Tensor::empty(shape, DType::f32, Device{});
  const auto number = [&](uint64_t n) { return static_cast<float>(rng.below(n)); };
  for (int64_t i = 0; i < t.numel(); i += 4) {
    float* b = t.data<float>() + i;
    b[0] = number(extent);
    b[1] = number(extent);
    b[2] = b[0] + 1 + number(extent / 2);
    b[3] = b[1] + 1 + number(extent / 2);
  }
  return t;
}

// Numbers of a few values, so that many are equal.
inline Tensor coarse_scores(const Shape& shape, uint64_t seed, uint64_t values = 32) {
  Rng rng(seed, "scores");
  Tensor t = Tensor::empty(shape, DType::f32, Device{});
  for (float& v : t.values<float>()) v = static_cast<float>(rng.below(values)) / static_cast<float>(values) - 0.25f;
  return t;
}

// The bits are those of the CPU; where std::exp or std::log is in it, on a GPU the last ones may differ.
inline void check_same(const std::vector<float>& got, const Tensor& want, bool transcendental = false) {
  REQUIRE(static_cast<int64_t>(got.size()) == want.numel());
  int64_t wrong = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const float a = got[i], b = want.data<float>()[i];
    const bool close = transcendental && built == Built::cuda && std::abs(a - b) <= 1e-5f * std::max(1.0f, std::abs(b));
    wrong += !(close || std::memcmp(&a, &b, sizeof a) == 0);
  }
  CHECK(wrong == 0);
}

inline void reset_stats() {
  if constexpr (built == Built::emulated) reset_launch_stats();
}
inline void no_bank_conflicts(const char* kernel) {
  if constexpr (built == Built::emulated) {
    INFO(kernel);
    CHECK(launch_stats(kernel).shared_accesses > 0);
    CHECK(launch_stats(kernel).bank_conflicts == 0);
  }
}

// Where a place in shared memory depends on data.
inline void few_bank_conflicts(const char* kernel, double share = 0.05) {
  if constexpr (built == Built::emulated) {
    INFO(kernel);
    CHECK(static_cast<double>(launch_stats(kernel).bank_conflicts) < share * static_cast<double>(launch_stats(kernel).shared_accesses));
  }
}

}  // namespace mr::gpu
