// Timing as every bench does it: the best of some measurements, of which the first is a warm-up and does not count.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "tensor/device.h"

namespace mr {

inline double wall_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// How many runs a measurement takes together: a GPU is given several, one after the other, and waited for once.
inline int runs_together(Device device, int on_gpu) { return device.type == DeviceType::cuda ? on_gpu : 1; }

// Seconds a run.
inline double best_of(int repeat, Device device, int on_gpu, const std::function<void()>& run, double (*now)() = wall_seconds) {
  const int together = runs_together(device, on_gpu);
  double best = 1e30;
  for (int i = 0; i <= repeat; ++i) {
    synchronize(device);
    const double start = now();
    for (int k = 0; k < together; ++k) run();
    synchronize(device);
    if (i > 0) best = std::min(best, (now() - start) / together);
  }
  return best;
}

}  // namespace mr
