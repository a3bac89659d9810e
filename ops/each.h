// A rule for one row, and its run over all rows on either device.
//
//   struct Twice {
//     const float* x;
//     float* y;
//     template <class At> MR_HD void operator()(const At& at, int64_t i) const { at(y, i) = 2 * at(x, i); }
//   };
//   each_row("twice", device, n, Twice{x, y});       // for i = 0 … n − 1; queued on a GPU
//
// at(p, i) stands for p[i]: the value where p points to const, else the place that a value is
// assigned to. On a GPU a thread works on one row, and the emulated device checks each access. No
// row may read what another one writes. A family of operators lists its rules for nvcc in one
// source (ops/boxes/rows.cu).
#pragma once

#include "tensor/gpu/built.h"
#include "tensor/parallel.h"
#include "tensor/storage.h"

namespace mr {
namespace gpu {
template <class Rule> void each_row(const char* op, int64_t n, const Rule& rule);  // ops/each_gpu.h
}  // namespace gpu

struct AtOnCpu {
  template <class T> T& operator()(T* p, int64_t i) const { return p[i]; }
};

template <class Rule> void each_row(const char* op, Device device, int64_t n, const Rule& rule) {
  if constexpr (gpu::exists) {
    if (device.type != DeviceType::cpu) return gpu::each_row(op, n, rule);
  }
  parallel_for(n, 1024, [&rule](int64_t i) { rule(AtOnCpu{}, i); });
}

}  // namespace mr
