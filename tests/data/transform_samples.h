// Pictures and samples to be changed.
#pragma once

#include "data/transforms/transforms.h"

namespace mr::test {

// Numbers 1 … as grey levels.
inline Image numbered(int height, int width) {
  Image image(height, width);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(i / 3 + 1);
  return image;
}

inline Image noise(int height, int width, uint64_t key = 0) {
  Image image(height, width);
  Rng rng(1, "noise", key);
  for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(rng.next());
  return image;
}

// A sample whose masks are random blobs; mask k of the first eight is painted into bit k of the red
// channel, so that every exact change of the sample can be judged by comparing the two.
inline Sample painted(int height, int width, int count, uint64_t key) {
  Sample s;
  s.image = noise(height, width, key);
  for (size_t i = 0; i < s.image.rgb.size(); i += 3) s.image.rgb[i] = 0;
  Rng rng(2, "masks", key);
  for (int k = 0; k < count; ++k) {
    Instance i;
    i.id = k;
    i.label = 1;
    const int w = 1 + static_cast<int>(rng.below(static_cast<uint64_t>(width))),
              h = 1 + static_cast<int>(rng.below(static_cast<uint64_t>(height)));
    i.mask = {height, width, static_cast<int>(rng.below(static_cast<uint64_t>(width - w) + 1)),
              static_cast<int>(rng.below(static_cast<uint64_t>(height - h) + 1)), Bitmap(h, w)};
    for (uint8_t& v : i.mask.bits.pixels) v = rng.uniform() < 0.4f;
    i.mask.bits.pixels[0] = 1;
    i.box = extent(i.mask);
    i.area = static_cast<double>(count_pixels(i.mask));
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x)
        if (i.mask.bits.at(y, x)) *s.image.at(y + i.mask.y0, x + i.mask.x0) |= static_cast<uint8_t>(1 << k);
    s.instances.push_back(i);
  }
  return s;
}

inline bool same(const Sample& a, const Sample& b) {
  if (a.image.height != b.image.height || a.image.width != b.image.width || a.image.rgb != b.image.rgb ||
      a.instances.size() != b.instances.size())
    return false;
  for (size_t k = 0; k < a.instances.size(); ++k) {
    const Instance &i = a.instances[k], &j = b.instances[k];
    if (!(i.box == j.box) || i.area != j.area || i.mask.x0 != j.mask.x0 || i.mask.y0 != j.mask.y0 ||
        i.mask.bits.pixels != j.mask.bits.pixels)
      return false;
  }
  return true;
}

}  // namespace mr::test
