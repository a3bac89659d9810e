#include "data/convert/number_maps.h"

#include <map>

#include "base/check.h"

namespace mr::convert {

Bitmap16 read_number_map(const std::string& path, const Colours* colours) {
  const std::vector<uint8_t> bytes = read_image_bytes(path);
  ImageNotes notes;
  try {
    return decode_png16(bytes, path);
  } catch (const ImageError& e) {
    if (e.fault != ImageFault::unsupported) throw;
    if (!colours)
      fail(e.what(), "; save it as one first, as in skimage.io.imsave(\"map.png\", numbers.astype(\"uint16\")) for numbers up to 65535");
  }
  const Image picture = decode_image(bytes, path, {}, &notes);
  check(notes.format == ImageFormat::png, path, ": expected a PNG, whose colours are exact");
  Bitmap16 map(picture.height, picture.width);
  for (int y = 0; y < map.height; ++y)
    for (int x = 0; x < map.width; ++x) {
      const uint8_t* p = picture.at(y, x);
      const auto at = colours->find(uint32_t{p[0]} << 16 | uint32_t{p[1]} << 8 | p[2]);
      if (at == colours->end()) fail(path, ": row ", y, ", column ", x, ": no number stands for the colour ", p[0], ",", p[1], ",", p[2]);
      map.at(y, x) = at->second;
    }
  return map;
}

std::vector<NumberedObject> numbered_objects(const Bitmap16& map, uint16_t nothing) {
  std::map<uint16_t, RleWriter> masks;
  for (int x = 0; x < map.width; ++x) {
    const uint32_t column = static_cast<uint32_t>(x) * static_cast<uint32_t>(map.height);
    for (int y = 0; y < map.height;) {
      const uint16_t number = map.at(y, x);
      const int begin = y;
      while (y < map.height && map.at(y, x) == number) ++y;
      if (number == 0 || number == nothing) continue;
      masks.try_emplace(number, map.height, map.width)
          .first->second.ones(column + static_cast<uint32_t>(begin), column + static_cast<uint32_t>(y));
    }
  }
  std::vector<NumberedObject> objects;
  for (auto& [number, mask] : masks) objects.push_back({number, mask.finish()});
  return objects;
}

}  // namespace mr::convert
