#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "data/transforms/objects.h"
#include "data/transforms/transforms.h"

namespace mr {

void TransformOptions::validate() const {
  const auto probability = [](const char* key, double v) { check(v >= 0 && v <= 1, "augment: ", key, " must be in [0, 1], got ", v); };
  probability("flip_horizontal", flip_horizontal);
  probability("flip_vertical", flip_vertical);
  probability("invert", invert);
  probability("brightness", brightness);
  probability("contrast", contrast);
  probability("saturation", saturation);
  check(hue >= 0 && hue <= 0.5, "augment: hue must be in [0, 0.5], got ", hue);
  check(crop_size >= 0 && crop_size <= 65536, "augment: crop_size must be in [0, 65536], got ", crop_size);
  check(scale_min > 0 && scale_min <= scale_max && scale_max <= 1000, "augment: expected 0 < scale_min <= scale_max <= 1000, got ",
        scale_min, ", ", scale_max);
  check(crop_min_pixels >= 1, "augment: crop_min_pixels must be at least 1, got ", crop_min_pixels);
  for (const int64_t side : min_sides) check(side >= 1 && side <= 65536, "augment: min_sides must be in [1, 65536], got ", side);
  check(max_side >= 1 && max_side <= 65536, "augment: max_side must be in [1, 65536], got ", max_side);
}

TransformDraw draw(const TransformOptions& o, uint64_t seed, uint64_t epoch, uint64_t sample) {
  Rng rng(seed, "augment", epoch, sample);
  const auto factor = [&rng](double strength) { return 1 + strength * rng.uniform(-1, 1); };
  TransformDraw d;
  d.flip_horizontal = rng.uniform() < o.flip_horizontal;
  d.flip_vertical = rng.uniform() < o.flip_vertical;
  const int turns = static_cast<int>(rng.below(4));
  d.quarter_turns = o.rotate90 ? turns : 0;
  d.invert = rng.uniform() < o.invert;
  d.scale = o.scale_min + (o.scale_max - o.scale_min) * rng.uniform(0, 1);
  const double side = rng.uniform(0, 1);
  d.min_side = o.min_sides.empty() ? 0 : o.min_sides[static_cast<size_t>(side * static_cast<double>(o.min_sides.size()))];
  d.colours.brightness = factor(o.brightness);
  d.colours.contrast = factor(o.contrast);
  d.colours.saturation = factor(o.saturation);
  d.colours.hue = o.hue * rng.uniform(-1, 1);
  d.rng = rng;
  return d;
}

PixelSize largest_augmented(const TransformOptions& o, int height, int width) {
  PixelSize most{height, width};
  if (o.crop_size > 0) {
    most = {static_cast<int>(o.crop_size), static_cast<int>(o.crop_size)};
  } else if (!o.min_sides.empty()) {
    most = resized_extent(height, width, *std::ranges::max_element(o.min_sides), o.max_side);
  }
  if (o.rotate90) most.height = most.width = std::max(most.height, most.width);
  return most;
}

namespace {

// A window leaves something of an instance when it holds enough of its pixels, counted after the resize.
bool keeps_any(const Sample& s, const Window& w, int size, int min_pixels) {
  for (const Instance& i : s.instances) {
    if (i.mask.bits.pixels.empty()) {
      const float width = std::min(i.box.x2, static_cast<float>(w.x + w.width)) - std::max(i.box.x1, static_cast<float>(w.x));
      const float height = std::min(i.box.y2, static_cast<float>(w.y + w.height)) - std::max(i.box.y1, static_cast<float>(w.y));
      const float zoom = static_cast<float>(size) / static_cast<float>(w.width);
      if (width > 0 && height > 0 && width * height * zoom * zoom >= static_cast<float>(min_pixels)) return true;
    } else if (count_pixels(cropped(i.mask, w, size, size)) >= min_pixels) {
      return true;
    }
  }
  return false;
}

Window random_window(const Sample& s, const TransformOptions& o, TransformDraw& d) {
  const int size = static_cast<int>(o.crop_size), min_pixels = static_cast<int>(o.crop_min_pixels);
  const int64_t wanted = std::llround(static_cast<double>(o.crop_size) / d.scale);
  const int side = static_cast<int>(std::clamp<int64_t>(wanted, 1, std::min(s.image.height, s.image.width)));
  Window w{0, 0, side, side};
  for (int attempt = 0; attempt < 10; ++attempt) {
    w.y = static_cast<int>(d.rng.below(static_cast<uint64_t>(s.image.height - side) + 1));
    w.x = static_cast<int>(d.rng.below(static_cast<uint64_t>(s.image.width - side) + 1));
    if (s.instances.empty() || keeps_any(s, w, size, min_pixels)) break;
  }
  return w;
}

}  // namespace

PixelChange augment_objects(Sample& s, const TransformOptions& o, uint64_t seed, uint64_t epoch, uint64_t sample) {
  check(s.image.height > 0 && s.image.width > 0, "augment: expected an image, got ", s.image.width, "×", s.image.height, " pixels");
  TransformDraw d = draw(o, seed, epoch, sample);
  PixelSize size = size_of(s.image);
  PixelChange c{.window = {0, 0, size.height, size.width}};
  if (o.crop_size > 0) {
    c.window = random_window(s, o, d);
    size.height = size.width = static_cast<int>(o.crop_size);
    crop(s.instances, c.window, size, static_cast<int>(o.crop_min_pixels));
  } else if (d.min_side > 0) {
    size = resized_extent(size.height, size.width, d.min_side, o.max_side);
    resize(s.instances, size_of(s.image), size);
  }
  c.height = size.height;
  c.width = size.width;
  c.quarter_turns = d.quarter_turns;
  rotate90(s.instances, size, d.quarter_turns);
  c.flip_horizontal = d.flip_horizontal;
  c.flip_vertical = d.flip_vertical;
  size = {c.final_height(), c.final_width()};
  if (d.flip_horizontal) flip_horizontal(s.instances, size);
  if (d.flip_vertical) flip_vertical(s.instances, size);
  change(s.proposals, c);
  c.colours = d.colours;
  c.invert = d.invert;
  return c;
}

void augment(Sample& s, const TransformOptions& o, uint64_t seed, uint64_t epoch, uint64_t sample) {
  const PixelChange change = augment_objects(s, o, seed, epoch, sample);
  s.image = changed(std::move(s.image), change);
}

}  // namespace mr
