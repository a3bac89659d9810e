#include "ops/boxes/topk.h"

#include <algorithm>
#include <span>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"

namespace mr {
namespace {

// Those of `keys` that can be among the k least: by a histogram of their upper sixteen bits, all up to the bin that holds the k-th.
std::vector<uint64_t> candidates(std::span<const uint64_t> keys, int64_t k) {
  std::vector<int32_t> histogram(1 << 16);
  for (const uint64_t key : keys) ++histogram[key >> 48];
  uint64_t last = 0;
  for (int64_t below = histogram[0]; below < k; below += histogram[++last]) {}
  std::vector<uint64_t> few;
  for (const uint64_t key : keys)
    if (key >> 48 <= last) few.push_back(key);
  return few;
}

}  // namespace

std::vector<int32_t> top_k(const Tensor& scores, int64_t k) {
  check(k >= 0, "top_k: k must not be negative, got ", k);
  check(scores.defined() && scores.rank() == 1, "top_k: scores must be [N] f32, got ", scores.defined() ? scores.shape() : Shape{});
  const auto s = as_scores(scores, static_cast<size_t>(scores.size(0)), "top_k");
  std::vector<uint64_t> keys(s.size());
  for (size_t i = 0; i < s.size(); ++i) keys[i] = sort_key(s[i], static_cast<uint32_t>(i));
  if (k < static_cast<int64_t>(keys.size()) / 8) keys = candidates(keys, k);
  const auto last = keys.begin() + std::min<int64_t>(k, static_cast<int64_t>(keys.size()));
  if (last != keys.end()) std::nth_element(keys.begin(), last, keys.end());
  std::sort(keys.begin(), last);
  std::vector<int32_t> order;
  order.reserve(static_cast<size_t>(last - keys.begin()));
  for (auto it = keys.begin(); it != last; ++it) order.push_back(static_cast<int32_t>(*it & 0xffffffffu));
  return order;
}

}  // namespace mr
