// From what a reader found to what is written: sizes from the pictures' headers, objects without extent left out, boxes and areas.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/convert/named.h"

namespace mr::convert {

struct SettledObject {
  std::string name;
  bool crowd = false, box = false, line = false;
  std::array<double, 4> bbox{};   // x, y, width, height: around the polygons, cut to the image, or around the pixels
  int64_t area = 0;               // pixels
  std::vector<Polygon> polygons;  // or
  std::string runs;               // compressed
};

struct SettledImage {
  std::string file;  // canonical path
  std::string source, subset;
  std::vector<std::string> also;  // further subsets that hold it
  int height = 0, width = 0;
  std::vector<SettledObject> objects;
};

// In the order of their paths. `class_name`: of objects that have none.
// Errors: pictures that are missing (counted, the first named) or cannot be read; a size other than the annotation's; two
// annotations of one picture; an object without a class; a class name that is no UTF-8.
std::vector<SettledImage> settle(NamedData data, const std::string& class_name, Faults& faults);

}  // namespace mr::convert
