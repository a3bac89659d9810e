// Which elements dropout keeps, for either device: element i asks word i of the stream,
// word i % 4 of its block i / 4.
#pragma once

#include <cstdint>

#include "tensor/rng.h"

namespace mr {

struct DropoutRule {
  Philox stream;
  uint64_t threshold;  // p · 2³²: words below it drop their element
  double factor;       // 1 / (1 − p)

  DropoutRule(const Philox& words, double p) : stream(words), threshold(static_cast<uint64_t>(p * 0x1p32)), factor(1 / (1 - p)) {}

  template <class A> MR_HD A operator()(A x, uint32_t word) const { return word < threshold ? A(0) : x * static_cast<A>(factor); }
};

}  // namespace mr
