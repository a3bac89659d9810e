#include "train/schedule.h"

#include <cmath>

#include "tensor/check.h"

namespace mr {

double Schedule::rate(int64_t iteration) const {
  if (iteration < warmup) {
    const double done = static_cast<double>(iteration) / static_cast<double>(warmup);
    return lr * (config.warmup_factor + (1 - config.warmup_factor) * done);
  }
  check(iterations > 0, "schedule: the rate of iteration ", iteration, " needs the length of the run");
  if (config.kind == ScheduleKind::cosine) {
    const int64_t falling = iterations - warmup;
    const double done = falling > 0 ? static_cast<double>(iteration - warmup) / static_cast<double>(falling) : 1;
    return lr * 0.5 * (1 + std::cos(3.14159265358979323846 * done));
  }
  double rate = lr;
  for (const double share : config.milestones)
    if (iteration >= std::llround(share * static_cast<double>(iterations))) rate *= config.gamma;
  return rate;
}

Schedule make_schedule(const ScheduleConfig& config, double lr, int64_t iterations, int64_t batch) {
  const double stated = static_cast<double>(config.for_batch > 0 ? config.for_batch : batch), ratio = static_cast<double>(batch) / stated;
  Schedule s;
  s.config = config;
  s.lr = lr * ratio;
  s.iterations = std::llround(static_cast<double>(iterations) / ratio);
  s.warmup = std::llround(static_cast<double>(config.warmup) / ratio);
  return s;
}

}  // namespace mr
