#include "train/budget.h"

#include <algorithm>
#include <cmath>

namespace mr {
namespace {

constexpr double evaluation_margin = 1.15;  // an evaluation may take this much longer than the last

}  // namespace

bool BudgetPlan::time_to_fix(double now, int64_t iteration, int64_t warmup) const {
  return iteration >= warmup || (iteration >= 6 && now >= 0.05 * budget);
}

int64_t BudgetPlan::iterations(double now, int64_t iteration, double seconds_per_step, int64_t evaluations,
                               int64_t evaluation_every) const {
  const double one = evaluation * evaluation_margin;
  const double left = budget - now - saving - static_cast<double>(evaluations) * one;
  const double step = seconds_per_step + (evaluation_every > 0 ? one / static_cast<double>(evaluation_every) : 0);
  return iteration + std::max<int64_t>(static_cast<int64_t>(left / std::max(step, 1e-6)), 1);
}

bool BudgetPlan::must_stop(double now, double seconds_per_step) const {
  return now + 1.5 * seconds_per_step + evaluation * evaluation_margin + saving > budget;
}

bool may_correct(const Recipe& r, int64_t iteration) {
  if (r.train.corrected_at > 0 || r.train.iterations == 0) return false;
  double latest = 0.5;
  if (r.schedule.kind == ScheduleKind::step && !r.schedule.milestones.empty()) latest = std::min(latest, r.schedule.milestones.front());
  return iteration <= r.schedule.warmup || static_cast<double>(iteration) < latest * static_cast<double>(r.train.iterations);
}

bool worth_correcting(int64_t fixed, int64_t fitting) {
  return std::abs(static_cast<double>(fitting - fixed)) > 0.1 * static_cast<double>(fixed);
}

}  // namespace mr
