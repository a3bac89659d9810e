// A share of a set, drawn by key.
#include "data/dataset_tools/share.h"

#include <algorithm>

#include "tests/catch.h"

using namespace mr;

TEST_CASE("a share is drawn by key and seed, and one item more changes the side of one other at most", "[data]") {
  std::vector<uint64_t> keys;
  for (uint64_t k = 1; k <= 200; ++k) keys.push_back(k);
  const std::vector<bool> drawn = draw_share(keys, 0.1, 0);
  CHECK(std::count(drawn.begin(), drawn.end(), true) == 20);
  CHECK(draw_share(keys, 0.1, 1) != drawn);
  std::vector<uint64_t> reversed(keys.rbegin(), keys.rend());
  std::vector<bool> again = draw_share(reversed, 0.1, 0);
  std::reverse(again.begin(), again.end());
  CHECK(again == drawn);  // whatever their order
  for (uint64_t more = 300; more < 320; ++more) {
    std::vector<uint64_t> longer = keys;
    longer.push_back(more);
    const std::vector<bool> now = draw_share(longer, 0.1, 0);
    int changed = 0;
    for (size_t i = 0; i < keys.size(); ++i) changed += now[i] != drawn[i];
    CHECK(changed <= 1);
  }
  for (const double share : {0.01, 0.99}) {  // neither part is empty
    const std::vector<bool> two = draw_share({1, 2}, share, 0);
    CHECK(two[0] != two[1]);
  }
}
