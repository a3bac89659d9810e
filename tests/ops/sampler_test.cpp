#include "ops/boxes/sampler.h"

#include <algorithm>

#include "ops/boxes/matcher.h"
#include "tests/catch.h"

using namespace mr;
using Catch::Matchers::Contains;

namespace {

// 10 positives (multiples of 10), 30 between (1, 2, 3 mod 10), 60 negatives.
std::vector<int32_t> hundred() {
  std::vector<int32_t> m;
  for (int i = 0; i < 100; ++i) m.push_back(i % 10 == 0 ? i / 10 : i % 10 <= 3 ? Match::between : Match::background);
  return m;
}

struct Drawn {
  std::vector<int32_t> positive, negative;
};
// Of one image.
Drawn draw(const std::vector<int32_t>& match, int64_t count, double fraction, const Rng& rng) {
  const auto B = static_cast<int64_t>(match.size());
  const Tensor index = sample_balanced(Tensor::of<int32_t>({1, B}, match), count, fraction, generator_streams(std::span(&rng, 1)));
  const std::span<const int32_t> all = index.values<int32_t>();
  const auto filled = std::ranges::find(all, -1);
  CHECK(std::all_of(filled, all.end(), [](int32_t i) { return i == -1; }));
  const auto positives = std::find_if(all.begin(), filled, [&](int32_t i) { return match[static_cast<size_t>(i)] < 0; });
  return {{all.begin(), positives}, {positives, filled}};
}

}  // namespace

TEST_CASE("sample_balanced: at most the fraction of positives, the rest negatives, none twice", "[sampler]") {
  const std::vector<int32_t> m = hundred();
  const Drawn s = draw(m, 16, 0.25, Rng(1));
  CHECK(s.positive.size() == 4);
  CHECK(s.negative.size() == 12);
  CHECK(std::adjacent_find(s.positive.begin(), s.positive.end(), std::greater_equal<>()) == s.positive.end());
  CHECK(std::adjacent_find(s.negative.begin(), s.negative.end(), std::greater_equal<>()) == s.negative.end());
  for (const int32_t i : s.positive) CHECK(m[static_cast<size_t>(i)] >= 0);
  for (const int32_t i : s.negative) CHECK(m[static_cast<size_t>(i)] == Match::background);
}

TEST_CASE("sample_balanced: too few positives make room for negatives, too few negatives leave a smaller sample", "[sampler]") {
  const Drawn many = draw(hundred(), 50, 0.5, Rng(1));
  CHECK(many.positive.size() == 10);
  CHECK(many.negative.size() == 40);
  const Drawn all = draw(hundred(), 1000, 0.25, Rng(1));
  CHECK(all.positive.size() == 10);
  CHECK(all.negative.size() == 60);
  CHECK(draw(hundred(), 7, 0.25, Rng(1)).positive.size() == 1);  // 1.75 is truncated
}

TEST_CASE("sample_balanced: a function of labels and generator", "[sampler]") {
  const Rng a(5, "rpn", 2, 3), b(5, "rpn", 2, 3), c(5, "rpn", 2, 4);
  const Drawn x = draw(hundred(), 16, 0.25, a), y = draw(hundred(), 16, 0.25, b), z = draw(hundred(), 16, 0.25, c);
  CHECK(x.negative == y.negative);
  CHECK(x.positive == y.positive);
  CHECK(x.negative != z.negative);
}

TEST_CASE("sample_balanced: uniform", "[sampler]") {
  const std::vector<int32_t> m = hundred();
  std::vector<int> count(100, 0);
  for (int i = 0; i < 6000; ++i) {
    const Drawn s = draw(m, 16, 0.25, Rng(11, "uniform", 0, static_cast<uint64_t>(i)));
    for (const int32_t k : s.positive) ++count[static_cast<size_t>(k)];
    for (const int32_t k : s.negative) ++count[static_cast<size_t>(k)];
  }
  for (size_t i = 0; i < 100; ++i) {  // 6000·4/10 and 6000·12/60, six standard deviations
    if (m[i] >= 0)
      CHECK(count[i] == Approx(2400).margin(230));
    else
      CHECK(count[i] == Approx(m[i] == Match::background ? 1200 : 0).margin(190));
  }
}

TEST_CASE("sample_balanced: each image from its own stream", "[sampler]") {
  std::vector<int32_t> both = hundred();
  const std::vector<int32_t> one = hundred();
  both.insert(both.end(), one.begin(), one.end());
  const Rng rngs[] = {Rng(5, "rpn", 2, 3), Rng(5, "rpn", 2, 4)};
  const Tensor index = sample_balanced(Tensor::of<int32_t>({2, 100}, both), 16, 0.25, generator_streams(rngs));
  for (int64_t n = 0; n < 2; ++n) {
    Drawn alone = draw(one, 16, 0.25, rngs[n]);
    alone.positive.insert(alone.positive.end(), alone.negative.begin(), alone.negative.end());
    CHECK(std::equal(alone.positive.begin(), alone.positive.end(), index.data<int32_t>() + 16 * n));
  }
}

TEST_CASE("sample_balanced: nothing to draw from, errors", "[sampler]") {
  const Drawn s = draw({}, 256, 0.5, Rng(1));
  CHECK(s.positive.empty());
  CHECK(s.negative.empty());
  CHECK(draw(hundred(), 0, 0.5, Rng(1)).negative.empty());
  CHECK_THROWS_WITH(draw(hundred(), -1, 0.5, Rng(1)), Contains("count must not be negative, got -1"));
  CHECK_THROWS_WITH(draw(hundred(), 1, 1.5, Rng(1)), Contains("positive_fraction must be in [0, 1], got 1.5"));
  CHECK_THROWS_WITH(draw(hundred(), 1, -0.5, Rng(1)), Contains("positive_fraction"));
  CHECK_THROWS_WITH(sample_balanced(Tensor::zeros({2, 6}, DType::i32), 4, 0.5, Tensor::zeros({1, 6}, DType::i32)),
                    Contains("sample_balanced: streams must be [2, 6] i32, got [1, 6] i32"));
}
