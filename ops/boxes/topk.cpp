#include "ops/boxes/topk.h"

#include <algorithm>
#include <cmath>

#include "ops/boxes/box_rules.h"
#include "ops/boxes/box_tensor.h"
#include "ops/boxes/boxes_gpu.h"
#include "tensor/gpu/built.h"
#include "tensor/parallel.h"

namespace mr {
namespace {

// The keys that can be among the k least: by a histogram of the upper sixteen bits, all keys up to
// the bin that holds the k-th.
std::vector<uint64_t> among_the_least(std::span<const uint64_t> keys, int64_t k) {
  std::vector<int32_t> histogram(1 << 16);
  for (const uint64_t key : keys) ++histogram[key >> 48];
  uint64_t last = 0;
  for (int64_t below = histogram[0]; below < k; below += histogram[++last]) {}
  std::vector<uint64_t> few;
  for (const uint64_t key : keys)
    if (key >> 48 <= last) few.push_back(key);
  return few;
}

// The places of the k least keys, rising; a key's lower half is its place.
std::vector<int32_t> least_places(std::vector<uint64_t> keys, int64_t k) {
  if (k < static_cast<int64_t>(keys.size()) / 8) keys = among_the_least(keys, k);
  const auto last = keys.begin() + std::min<int64_t>(k, static_cast<int64_t>(keys.size()));
  if (last != keys.end()) std::nth_element(keys.begin(), last, keys.end());
  std::sort(keys.begin(), last);
  std::vector<int32_t> order;
  order.reserve(static_cast<size_t>(last - keys.begin()));
  for (auto it = keys.begin(); it != last; ++it) order.push_back(static_cast<int32_t>(*it & 0xffffffffu));
  return order;
}

}  // namespace

std::vector<int32_t> best_places(std::span<const float> scores, int64_t k, bool holes) {
  std::vector<uint64_t> keys;
  keys.reserve(scores.size());
  for (size_t i = 0; i < scores.size(); ++i)
    if (!holes || scores[i] != -INFINITY) keys.push_back(sort_key(scores[i], static_cast<uint32_t>(i)));
  return least_places(std::move(keys), k);
}

Chosen top_k(const Tensor& scores, int64_t k, bool holes) {
  check(k >= 0, "top_k: k must not be negative, got ", k);
  check(scores.defined() && scores.rank() == 2, "top_k: scores must be [N,n] f32, got ", scores.defined() ? scores.shape() : Shape{});
  const int64_t N = scores.size(0), n = scores.size(1);
  const auto* s = Operands("top_k", scores.device()).as<float>(scores, "scores", {N, n});
  if constexpr (gpu::exists) {
    if (scores.on_gpu()) return gpu::top_k(s, {.length = n}, N, k, holes, scores.device());
  }
  const Chosen chosen{Tensor::empty({N, k}, DType::i32), Tensor::empty({N}, DType::i32)};
  chosen.index.fill_(-1);
  parallel_for(N, 1, [&](int64_t image) {
    const std::vector<int32_t> best = best_places({s + image * n, static_cast<size_t>(n)}, k, holes);
    std::ranges::copy(best, chosen.index.data<int32_t>() + image * k);
    chosen.count.data<int32_t>()[image] = static_cast<int32_t>(best.size());
  });
  return chosen;
}

}  // namespace mr
