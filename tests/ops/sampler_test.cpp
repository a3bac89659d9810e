#include "ops/boxes/sampler.h"

#include <algorithm>

#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// 10 positives (multiples of 10), 30 between (1, 2, 3 mod 10), 60 negatives.
Match hundred() {
  Match m;
  for (int i = 0; i < 100; ++i) m.gt.push_back(i % 10 == 0 ? i / 10 : i % 10 <= 3 ? Match::between : Match::background);
  return m;
}

}  // namespace

TEST_CASE("sample_balanced: at most the fraction of positives, the rest negatives, none twice", "[sampler]") {
  Rng rng(1);
  const Match m = hundred();
  const Sampled s = sample_balanced(m, 16, 0.25, rng);
  CHECK(s.positive.size() == 4);
  CHECK(s.negative.size() == 12);
  CHECK(std::adjacent_find(s.positive.begin(), s.positive.end(), std::greater_equal<>()) == s.positive.end());
  CHECK(std::adjacent_find(s.negative.begin(), s.negative.end(), std::greater_equal<>()) == s.negative.end());
  for (const int32_t i : s.positive) CHECK(m.gt[static_cast<size_t>(i)] >= 0);
  for (const int32_t i : s.negative) CHECK(m.gt[static_cast<size_t>(i)] == Match::background);
}

TEST_CASE("sample_balanced: too few positives make room for negatives, too few negatives leave a smaller sample", "[sampler]") {
  Rng rng(1);
  const Sampled many = sample_balanced(hundred(), 50, 0.5, rng);
  CHECK(many.positive.size() == 10);
  CHECK(many.negative.size() == 40);
  const Sampled all = sample_balanced(hundred(), 1000, 0.25, rng);
  CHECK(all.positive.size() == 10);
  CHECK(all.negative.size() == 60);
  CHECK(sample_balanced(hundred(), 7, 0.25, rng).positive.size() == 1);  // 1.75 is truncated
}

TEST_CASE("sample_balanced: a function of labels and generator", "[sampler]") {
  Rng a(5, "rpn", 2, 3), b(5, "rpn", 2, 3), c(5, "rpn", 2, 4);
  const Sampled x = sample_balanced(hundred(), 16, 0.25, a), y = sample_balanced(hundred(), 16, 0.25, b),
                z = sample_balanced(hundred(), 16, 0.25, c);
  CHECK(x.negative == y.negative);
  CHECK(x.positive == y.positive);
  CHECK(x.negative != z.negative);
}

TEST_CASE("sample_balanced: uniform", "[sampler]") {
  Rng rng(11);
  const Match m = hundred();
  std::vector<int> count(100, 0);
  for (int i = 0; i < 6000; ++i) {
    const Sampled s = sample_balanced(m, 16, 0.25, rng);
    for (const int32_t k : s.positive) ++count[static_cast<size_t>(k)];
    for (const int32_t k : s.negative) ++count[static_cast<size_t>(k)];
  }
  for (size_t i = 0; i < 100; ++i) {  // 6000·4/10 and 6000·12/60, six standard deviations
    if (m.gt[i] >= 0)
      CHECK(count[i] == Approx(2400).margin(230));
    else
      CHECK(count[i] == Approx(m.gt[i] == Match::background ? 1200 : 0).margin(190));
  }
}

TEST_CASE("sample_balanced: nothing to draw from, errors", "[sampler]") {
  Rng rng(1);
  const Sampled s = sample_balanced(Match{}, 256, 0.5, rng);
  CHECK(s.positive.empty());
  CHECK(s.negative.empty());
  CHECK(sample_balanced(hundred(), 0, 0.5, rng).negative.empty());
  CHECK_THROWS_WITH(sample_balanced(hundred(), -1, 0.5, rng), Contains("count must not be negative, got -1"));
  CHECK_THROWS_WITH(sample_balanced(hundred(), 1, 1.5, rng), Contains("positive_fraction must be in [0, 1], got 1.5"));
  CHECK_THROWS_WITH(sample_balanced(hundred(), 1, -0.5, rng), Contains("positive_fraction"));
}
