#include "data/dataset_tools/share.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "tensor/rng.h"

namespace mr {

std::vector<bool> draw_share(const std::vector<uint64_t>& keys, double share, uint64_t seed) {
  check(keys.size() >= 2, "expected two images at least, got ", keys.size());
  check(share > 0 && share < 1, "expected a share between 0 and 1, got ", share);
  std::vector<std::pair<uint64_t, size_t>> order(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) order[i] = {mix64(keys[i] ^ mix64(seed + 1)), i};
  std::sort(order.begin(), order.end());
  const auto n = static_cast<int64_t>(keys.size());
  const int64_t count = std::clamp<int64_t>(std::llround(share * static_cast<double>(n)), 1, n - 1);
  std::vector<bool> drawn(keys.size());
  for (int64_t k = 0; k < count; ++k) drawn[order[static_cast<size_t>(k)].second] = true;
  return drawn;
}

}  // namespace mr
