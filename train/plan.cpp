#include "train/plan.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/text.h"

namespace mr {
namespace {

double rate_at(const Recipe& r, int64_t iteration) {
  return learning_rate(r.schedule, r.optimiser.lr, length_at(r.train, iteration), iteration);
}

// The rates of the whole run as a row of blocks, the highest being a full one.
std::string picture_of_rates(const Recipe& r, int64_t iterations, double peak) {
  constexpr int64_t columns = 40;
  static const char* const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string row;
  const int64_t n = std::min(columns, iterations);
  for (int64_t c = 0; c < n; ++c) {
    const double share = rate_at(r, (2 * c + 1) * iterations / (2 * n)) / peak;
    row += blocks[std::clamp<int64_t>(std::llround(8 * share), share > 0 ? 1 : 0, 8)];
  }
  return row;
}

std::string list_of(const std::vector<int64_t>& numbers) {
  constexpr size_t ends = 3;
  std::string list;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (numbers.size() > 2 * ends + 1 && i == ends) {
      list += ", …";
      i = numbers.size() - ends;
    }
    append(list, str(i > 0 ? ", " : "", numbers[i]));
  }
  return list;
}

}  // namespace

bool evaluates_at(const Recipe& r, int64_t iteration) {
  if (iteration == 0) return false;
  if (r.evaluation.every > 0 && iteration % r.evaluation.every == 0) return true;
  const auto length = static_cast<double>(length_at(r.train, iteration));
  return length > 0 && std::ranges::any_of(r.evaluation.at, [&](double share) { return std::llround(share * length) == iteration; });
}

RunPlan plan_of(const Recipe& r, bool evaluates) {
  RunPlan p;
  p.planned = r.train.iterations;
  p.iterations = r.train.stop_at > 0 ? r.train.stop_at : r.train.iterations;
  p.batch = images_per_step(r);
  p.warmup = r.schedule.warmup;
  p.peak = r.optimiser.lr;
  p.first = p.warmup > 0 || p.iterations > 0 ? rate_at(r, 0) : p.peak;
  if (p.iterations == 0) return p;
  p.last = rate_at(r, p.iterations - 1);
  p.peak = 0;
  for (int64_t it = 0; it < p.iterations; ++it) {
    p.peak = std::max(p.peak, rate_at(r, it));
    if (evaluates && evaluates_at(r, it)) p.evaluations.push_back(it);
  }
  if (evaluates) p.evaluations.push_back(p.iterations);
  return p;
}

std::string to_text(const RunPlan& p, const Recipe& r, int64_t images) {
  const std::string of_batch = str(" of ", counted(p.batch, "image"));
  if (p.iterations == 0)
    return str("plan: as many iterations", of_batch, " as fit into ", r.train.budget, "; the first ", p.warmup,
               " are the warm-up, of a learning rate from ", rounded(p.first), " to ", rounded(p.peak));
  const int64_t seen = p.iterations * p.batch;
  std::string text = str("plan: ", counted(p.iterations, "iteration"), of_batch, ": ", counted(seen, "image"));
  if (images > 0) {
    const double epochs = std::round(100.0 * static_cast<double>(seen) / static_cast<double>(images)) / 100;
    append(text, str(", ", epochs, epochs == 1 ? " epoch of " : " epochs of ", images));
  }
  if (p.iterations < p.planned) append(text, str("; planned were ", p.planned, ", and the budget of ", r.train.budget, " ended the run"));
  append(text,
         str("\n      learning rate ", rounded(p.first), p.warmup > 0 ? str(", ", rounded(p.peak), " after ", p.warmup) : std::string(),
             ", ", rounded(p.last), " at the end   ", picture_of_rates(r, p.iterations, p.peak)));
  append(text, p.evaluations.empty() ? std::string("\n      no evaluation") : str("\n      evaluation after ", list_of(p.evaluations)));
  return text;
}

std::string iterations_done(const TrainConfig& t, int64_t reached) {
  const int64_t end = t.stop_at > 0 ? t.stop_at : t.iterations;
  if (end == 0 || reached < end)
    return str("Reached iteration ", reached, end > 0 ? str(" of ", end) : std::string(), ": in progress, or stopped.");
  if (end < t.iterations)
    return str("Finished after ", end, " of ", counted(t.iterations, "iteration"), ": the budget of ", t.budget, " ended the run.");
  return str("Finished after ", counted(end, "iteration"), ".");
}

}  // namespace mr
