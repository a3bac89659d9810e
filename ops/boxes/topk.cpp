#include "ops/boxes/topk.h"

#include <algorithm>
#include <bit>

#include "ops/boxes/box_tensor.h"

namespace mr {
namespace {

// An integer that rises as the score falls, then as the index rises.
uint64_t key(float score, uint32_t index) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0f);  // −0 becomes 0
  const uint32_t rising = score != score ? 0 : bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return uint64_t{~rising} << 32 | index;
}

}  // namespace

std::vector<int32_t> top_k(const Tensor& scores, int64_t k) {
  check(k >= 0, "top_k: k must not be negative, got ", k);
  check(scores.defined() && scores.rank() == 1, "top_k: scores must be [N] f32, got ", scores.defined() ? scores.shape() : Shape{});
  const auto s = as_scores(scores, static_cast<size_t>(scores.size(0)), "top_k");
  std::vector<uint64_t> keys(s.size());
  for (size_t i = 0; i < s.size(); ++i) keys[i] = key(s[i], static_cast<uint32_t>(i));
  const auto last = keys.begin() + std::min<int64_t>(k, static_cast<int64_t>(keys.size()));
  if (last != keys.end()) std::nth_element(keys.begin(), last, keys.end());
  std::sort(keys.begin(), last);
  std::vector<int32_t> order;
  order.reserve(static_cast<size_t>(last - keys.begin()));
  for (auto it = keys.begin(); it != last; ++it) order.push_back(static_cast<int32_t>(*it & 0xffffffffu));
  return order;
}

}  // namespace mr
