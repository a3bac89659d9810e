// A share of a set, drawn so that the same items are drawn again when others come or go.
#pragma once

#include <cstdint>
#include <vector>

namespace mr {

// Items are known by their keys, and ordered by key and seed, each place as likely as another. The first round(share · n) of them are
// drawn, one at least and all but one at most: one item more changes the side of at most one other.
// Returns for each whether it is drawn. Errors: fewer than two items; a share that is not above 0 and below 1.
std::vector<bool> draw_share(const std::vector<uint64_t>& keys, double share, uint64_t seed);

}  // namespace mr
