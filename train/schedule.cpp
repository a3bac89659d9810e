#include "train/schedule.h"

#include <cmath>

#include "base/check.h"

namespace mr {

namespace {

// The share of the rate that the warm-up has come to; 1 after it.
double warmed_up(const ScheduleConfig& c, int64_t iteration) {
  const auto line = [iteration](int64_t begin, int64_t end, double from) {
    return iteration >= end ? 1 : from + (1 - from) * static_cast<double>(iteration - begin) / static_cast<double>(end - begin);
  };
  if (iteration < c.shortened_at) return line(0, c.shortened_from, c.warmup_factor);
  if (c.shortened_at == 0) return line(0, c.warmup, c.warmup_factor);
  const double share = static_cast<double>(c.shortened_at) / static_cast<double>(c.shortened_from);
  return line(c.shortened_at, c.warmup, c.warmup_factor + (1 - c.warmup_factor) * share);
}

}  // namespace

double learning_rate(const ScheduleConfig& config, double lr, int64_t iterations, int64_t iteration) {
  if (iteration < config.warmup) return lr * warmed_up(config, iteration);
  check(iterations > 0, "schedule: the rate of iteration ", iteration, " needs the length of the run");
  if (config.kind == ScheduleKind::cosine) {
    const int64_t falling = iterations - config.warmup;
    const double done = falling > 0 ? static_cast<double>(iteration - config.warmup) / static_cast<double>(falling) : 1;
    return lr * 0.5 * (1 + std::cos(3.14159265358979323846 * done));
  }
  double rate = lr;
  for (const double share : config.milestones)
    if (iteration >= std::llround(share * static_cast<double>(iterations))) rate *= config.gamma;
  return rate;
}

void scale_to_batch(ScheduleConfig& config, double& lr, int64_t& iterations, int64_t batch) {
  if (config.for_batch <= 0) return;
  const double ratio = static_cast<double>(batch) / static_cast<double>(config.for_batch);
  lr *= ratio;
  iterations = std::llround(static_cast<double>(iterations) / ratio);
  config.warmup = std::llround(static_cast<double>(config.warmup) / ratio);
  config.for_batch = 0;
}

}  // namespace mr
