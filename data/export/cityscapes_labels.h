// Cityscapes' labels: ids 0 … 33, their names and colours.
#pragma once

#include <cstdint>
#include <string_view>

namespace mr {

struct CityscapesLabel {
  const char* name;
  uint8_t r, g, b;
  bool instances;  // has instance ids: 1000 · id + n
};

inline constexpr int cityscapes_label_count = 34;
const CityscapesLabel& cityscapes_label(int id);  // errors: an id outside 0 … 33
int cityscapes_label_id(std::string_view name);   // −1: there is no such label

}  // namespace mr
