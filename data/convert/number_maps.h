// Pictures whose pixels are numbers: of objects, or of classes.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/image/image.h"
#include "geometry/rle.h"

namespace mr::convert {

using Colours = std::unordered_map<uint32_t, uint16_t>;  // 0xRRGGBB → number

// A grey PNG (8 or 16 bits: its numbers) or one with a palette (its indices). One in colours: the number of each by `colours`.
// Errors: those of the file; a colour without a number; a colour picture without `colours`; no PNG.
Bitmap16 read_number_map(const std::string& path, const Colours* colours = nullptr);

struct NumberedObject {
  uint16_t number = 0;
  Rle mask;
};

// The pixels of each number, by rising number; 0 is background, and `nothing` is none either.
std::vector<NumberedObject> numbered_objects(const Bitmap16& map, uint16_t nothing = 0);

}  // namespace mr::convert
