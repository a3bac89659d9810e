// A binary mask as pixels (row-major, 0 or 1), and one cut to the part of the image where it can be non-zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mr {

struct Bitmap {
  int height = 0, width = 0;
  std::vector<uint8_t> pixels;  // [height·width], row-major

  Bitmap() = default;
  Bitmap(int h, int w) : height(h), width(w), pixels(static_cast<size_t>(h) * static_cast<size_t>(w)) {}
  uint8_t& at(int y, int x) { return pixels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)]; }
  uint8_t at(int y, int x) const { return pixels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)]; }
};

// Zero outside bits, whose pixel (0, 0) lies at (x0, y0) of the image.
struct CroppedMask {
  int image_height = 0, image_width = 0;
  int x0 = 0, y0 = 0;
  Bitmap bits;
};

}  // namespace mr
