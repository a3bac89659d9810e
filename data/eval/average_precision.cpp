#include "data/eval/average_precision.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/check.h"

namespace mr {

void interpolated_precision(std::span<const double> recall, std::span<double> precision, std::span<double> at) {
  check(recall.size() == precision.size(), "interpolated_ap: expected a precision for each of ", recall.size(), " recalls, got ",
        precision.size());
  const size_t points = at.size();
  check(points >= 2, "interpolated_ap: expected two points or more, got ", points);
  for (size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
  size_t reached = 0;
  for (size_t k = 0; k < points; ++k) {
    const double r =
        k == points - 1 ? 1.0 : static_cast<double>(k) * (1.0 / static_cast<double>(points - 1));  // as numpy's linspace rounds them
    while (reached < recall.size() && recall[reached] < r) ++reached;
    at[k] = reached < recall.size() ? precision[reached] : 0;
  }
}

double interpolated_ap(std::span<const double> recall, std::span<double> precision, int points) {
  std::vector<double> at(static_cast<size_t>(std::max(points, 0)));
  interpolated_precision(recall, precision, at);
  return std::accumulate(at.begin(), at.end(), 0.0) / points;
}

double stepped_ap(std::span<const ScoredHit> hits, int64_t objects) {
  check(objects > 0, "stepped_ap: expected objects to be found, got ", objects);
  const auto n = static_cast<double>(objects);
  double area = 0, tp = 0;
  double before = 0, r = 0, p = 1;  // the recall before the point (r, p), which weighs once the next one is known
  for (size_t i = 0; i < hits.size(); ++i) {
    check(i == 0 || hits[i].score <= hits[i - 1].score, "stepped_ap: expected falling scores, got ", hits[i].score, " after ",
          i == 0 ? 0 : hits[i - 1].score);
    tp += hits[i].right;
    if (i + 1 < hits.size() && hits[i + 1].score == hits[i].score) continue;
    const double next = tp / n;
    area += p * (next - before) / 2;
    before = r, r = next, p = tp / static_cast<double>(i + 1);
  }
  return hits.empty() ? 0 : area + p * (r - before) / 2;
}

}  // namespace mr
