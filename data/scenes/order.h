// Which of the things that stand on the ground hides which.
#pragma once

#include <functional>
#include <vector>

#include "data/scenes/space.h"

namespace mr::scenes {

// Something that can hide or be hidden: a rectangle on the ground and how to draw what stands on it.
struct Item {
  V2 corners[4];  // (x, z) in the camera frame
  std::function<void()> draw;
};
void place_footprint(Item& item, V3 place, double heading, double half_width, double half_length);
bool overlap(const Item& a, const Item& b);
// Far to near: no item is before one that it can hide.
std::vector<int> painters_order(const std::vector<Item>& items);

}  // namespace mr::scenes
