#include "ops/boxes/sampler.h"

#include <algorithm>

#include "base/check.h"

namespace mr {
namespace {

// The first steps of a Fisher–Yates shuffle.
std::vector<int32_t> draw(std::vector<int32_t> from, size_t count, Rng& rng) {
  if (count >= from.size()) return from;
  for (size_t i = 0; i < count; ++i) std::swap(from[i], from[i + rng.below(from.size() - i)]);
  from.resize(count);
  std::ranges::sort(from);
  return from;
}

}  // namespace

Sampled sample_balanced(const Match& match, int count, double positive_fraction, Rng& rng) {
  check(count >= 0, "sample_balanced: count must not be negative, got ", count);
  check(positive_fraction >= 0 && positive_fraction <= 1, "sample_balanced: positive_fraction must be in [0, 1], got ", positive_fraction);
  std::vector<int32_t> positive, negative;
  for (size_t i = 0; i < match.gt.size(); ++i) {
    if (match.gt[i] >= 0)
      positive.push_back(static_cast<int32_t>(i));
    else if (match.gt[i] == Match::background)
      negative.push_back(static_cast<int32_t>(i));
  }
  Sampled s;
  s.positive = draw(std::move(positive), static_cast<size_t>(count * positive_fraction), rng);
  s.negative = draw(std::move(negative), static_cast<size_t>(count) - s.positive.size(), rng);
  return s;
}

}  // namespace mr
