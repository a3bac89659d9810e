#include "data/image/stated_size.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/image/decoders.h"

namespace mr {
namespace {

PixelSize turned(PixelSize s) { return {s.width, s.height}; }

// But for rounding to whole pixels.
bool same_shape(PixelSize a, PixelSize b) {
  const double x = static_cast<double>(a.height) * b.width, y = static_cast<double>(a.width) * b.height;
  return std::abs(x - y) <= 0.01 * std::max(x, y);
}

std::string text(PixelSize s) { return str(s.height, "x", s.width); }

// The orientation to apply: that of the file, or 1 where the annotations mean the stored pixels.
int meant_orientation(const std::string& path, PixelSize stored, int orientation, PixelSize stated) {
  const bool turns = image::swaps_axes(orientation);
  const PixelSize upright = turns ? turned(stored) : stored;
  if (upright == stated) return orientation;
  if (turns && stored == stated) return 1;
  std::string cause;
  if (turned(upright) == stated)
    cause = ": the annotations have height and width exchanged";
  else if (same_shape(upright, stated))
    cause = ": the annotations were made on a copy of another size; use that copy, or scale boxes and masks with the picture";
  throw ImageError(ImageFault::other_size, path,
                   str("height and width are ", text(upright), turns ? str(" (", text(stored), " as stored)") : "",
                       ", the annotations state ", text(stated), cause));
}

}  // namespace

Image read_image_of_size(const std::string& path, PixelSize stated, const ImageOptions& options) {
  ImageOptions as_stored = options;
  as_stored.orient = false;
  ImageNotes notes;
  Image stored = read_image(path, as_stored, &notes);
  const int orientation = meant_orientation(path, {stored.height, stored.width}, notes.orientation, stated);
  return image::upright(std::move(stored), orientation);
}

bool means_stored(const std::string& path, const ImageHeader& header, PixelSize stated) {
  return meant_orientation(path, header.stored, header.notes.orientation, stated) != header.notes.orientation;
}

void check_image_header(const std::string& path, PixelSize stated, const ImageOptions& options) {
  means_stored(path, read_image_header(path, options), stated);
}

}  // namespace mr
