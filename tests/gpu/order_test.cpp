// The order of threads and blocks is the seed's, and can be had again.
#include <algorithm>
#include <numeric>

#include "tensor/context.h"
#include "tests/gpu/device.h"
#include "tests/gpu/kernels.h"

using namespace mr;
using namespace mr::gpu;

namespace {

struct Tickets {
  std::vector<int> before, behind;
  bool operator==(const Tickets&) const = default;
};

Tickets draw(uint64_t seed) {
  const ContextGuard guard;
  context().threads = 1;  // blocks that run at the same time draw as it happens
  set_seed(seed);
  Stream stream;
  DeviceArray<int> counter(2), before(256), behind(256);
  set_async(counter.data(), 0, counter.bytes(), stream);
  samples::draw_tickets(counter.data(), before.data(), behind.data(), stream);
  return {before.download(stream), behind.download(stream)};
}

// In which order the first threads of the four blocks came.
std::vector<int> block_order(const Tickets& t) {
  std::vector<int> order(4);
  std::iota(order.begin(), order.end(), 0);
  const auto first = [&](int b) { return *std::min_element(t.before.begin() + 64 * b, t.before.begin() + 64 * (b + 1)); };
  std::sort(order.begin(), order.end(), [&](int a, int b) { return first(a) < first(b); });
  return order;
}

}  // namespace

TEST_CASE("seed 0 is the natural order, another seed is another order of threads, before and behind a barrier, and of blocks", "[gpu]") {
  if (!is_emulated("the order on a GPU is its own")) return;
  std::vector<int> natural(256);
  std::iota(natural.begin(), natural.end(), 0);
  const Tickets none = draw(0);
  CHECK(none.before == natural);
  CHECK(none.behind == natural);
  std::vector<std::vector<int>> orders;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Tickets t = draw(seed);
    INFO("seed " << seed);
    CHECK(t == draw(seed));
    CHECK(t.before != natural);
    CHECK(t.behind != t.before);
    CHECK(std::is_permutation(t.before.begin(), t.before.end(), natural.begin()));
    orders.push_back(block_order(t));
  }
  std::sort(orders.begin(), orders.end());
  CHECK(std::unique(orders.begin(), orders.end()) - orders.begin() > 3);
  set_seed(1);
}
