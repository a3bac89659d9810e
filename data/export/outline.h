// The regions of a map of numbers, each by its outer boundary along the edges of pixels.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace mr {

struct Region {
  uint16_t value = 0;
  std::vector<std::pair<int, int>> boundary;  // (x, y) corners, clockwise on the screen, no three on a line
  int64_t enclosed = 0;                       // pixels inside the boundary, holes included
};

// The 4-connected regions of equal value, those that enclose most first: filling the boundaries in this order, one over the other,
// gives the map back, because what lies in a hole of a region encloses less than the region does.
std::vector<Region> regions(const std::vector<uint16_t>& map, int height, int width);

}  // namespace mr
