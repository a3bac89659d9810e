#include <algorithm>
#include <numeric>

#include "data/loader/loader.h"
#include "tensor/rng.h"

namespace mr {

// Fisher–Yates with the epoch's own random numbers.
std::vector<int64_t> epoch_order(int64_t size, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  Rng rng(seed, "order", epoch);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

// A batch leaves as soon as its group has enough samples; what remains at the end is mixed.
std::vector<int64_t> grouped_order(const std::vector<int64_t>& order, const std::vector<uint8_t>& group, int64_t begun, int64_t batch) {
  const size_t head = std::min(static_cast<size_t>(begun), order.size());
  std::vector<int64_t> out(order.begin(), order.begin() + static_cast<ptrdiff_t>(head));
  std::vector<int64_t> waiting[2];
  for (size_t i = head; i < order.size(); ++i) {
    std::vector<int64_t>& w = waiting[group[static_cast<size_t>(order[i])] ? 1 : 0];
    w.push_back(order[i]);
    if (static_cast<int64_t>(w.size()) < batch) continue;
    out.insert(out.end(), w.begin(), w.end());
    w.clear();
  }
  for (const auto& w : waiting) out.insert(out.end(), w.begin(), w.end());
  return out;
}

}  // namespace mr
