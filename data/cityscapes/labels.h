// Cityscapes' labels: ids 0 … 33, their names and colours. A pixel of an instance map holds an
// instance id:
//
//   1000 · label + n     instance n of a label with instances
//   label                what has no instances, and groups of objects that cannot be told apart
//                        (26: a group of cars)
//
// The license plate (−1) is never in a map.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mr {

struct CityscapesLabel {
  const char* name;
  uint8_t r, g, b;
  bool instances;    // has instance ids
  bool void_pixels;  // evaluation does not look at its pixels
};

inline constexpr int cityscapes_label_count = 34;
const CityscapesLabel& cityscapes_label(int id);  // errors: an id outside 0 … 33
int cityscapes_label_id(std::string_view name);   // −1: there is no such label

inline constexpr int cityscapes_label_of(uint16_t instance_id) { return instance_id < 1000 ? instance_id : instance_id / 1000; }

// The classes whose instances are evaluated: person, rider, car, truck, bus, train, motorcycle,
// bicycle. (Caravans and trailers have instances, which are not.)
inline constexpr std::array<int, 8> cityscapes_classes = {24, 25, 26, 27, 28, 31, 32, 33};
int cityscapes_class(int label);  // its place in cityscapes_classes; −1: it is none of them

}  // namespace mr
