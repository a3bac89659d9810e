// EXIF orientation (TIFF tag 0x0112): which edge of the stored rows is the top of the scene.
#include <cstring>
#include <utility>

#include "data/image/decoders.h"

namespace mr::image {

int exif_orientation(Bytes tiff) {
  if (tiff.size() < 8) return 1;
  const bool little = tiff[0] == 'I';
  if (tiff[0] != tiff[1] || (!little && tiff[0] != 'M')) return 1;
  const auto number = [&](size_t at, int n) {
    uint32_t v = 0;
    for (int i = 0; i < n; ++i) v = v << 8 | tiff[at + static_cast<size_t>(little ? n - 1 - i : i)];
    return v;
  };
  const size_t directory = number(4, 4);
  if (directory > tiff.size() - 2) return 1;
  const size_t entries = number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + 12 * i;
    if (at + 12 > tiff.size()) return 1;
    if (number(at, 2) != 0x0112) continue;
    const uint32_t type = number(at + 2, 2);
    const uint32_t v = type == 3 ? number(at + 8, 2) : type == 4 ? number(at + 8, 4) : 1;
    return v >= 1 && v <= 8 ? static_cast<int>(v) : 1;
  }
  return 1;
}

// Orientation o: upright(y, x) = stored(sy, sx), walked as a start and two steps in pixels.
Image upright(Image stored, int orientation) {
  if (orientation <= 1 || orientation > 8) return stored;
  const bool swap = swaps_axes(orientation);
  // 2: left-right, 3: 180°, 4: top-bottom, 5: transpose, 6: 90° clockwise, 7: transverse, 8: 90° counter-clockwise
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const ptrdiff_t row = ptrdiff_t{3} * stored.width;
  const ptrdiff_t step_sx = flip_x ? -3 : 3, step_sy = flip_y ? -row : row;
  const ptrdiff_t step_x = swap ? step_sy : step_sx, step_y = swap ? step_sx : step_sy;
  Image out(swap ? stored.width : stored.height, swap ? stored.height : stored.width);
  const uint8_t* from = stored.rgb.data() + (flip_x ? row - 3 : 0) + (flip_y ? row * (stored.height - 1) : 0);
  uint8_t* to = out.rgb.data();
  for (int y = 0; y < out.height; ++y) {
    const uint8_t* p = from + step_y * y;
    for (int x = 0; x < out.width; ++x, to += 3, p += step_x) std::memcpy(to, p, 3);
  }
  return out;
}

// The upright axes that run against the stored ones: x of 2, 3, 6, 7; y of 3, 4, 7, 8.
void turn(Reduction& r, PixelSize reduced, int orientation) {
  if (orientation <= 1 || orientation > 8) return;
  if (swaps_axes(orientation)) {
    std::swap(r.whole.height, r.whole.width);
    std::swap(reduced.height, reduced.width);
    std::swap(r.fy, r.fx);
  }
  const bool against_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool against_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  if (against_x) r.x0 = r.whole.width - r.fx * reduced.width;
  if (against_y) r.y0 = r.whole.height - r.fy * reduced.height;
}

}  // namespace mr::image
