// The decoders behind decode_image, one a format, and what they share. Each throws ImageError.
#pragma once

#include <span>
#include <string>

#include "data/image/image.h"

namespace mr::image {

using Bytes = std::span<const uint8_t>;

struct Source {
  Bytes bytes;
  const std::string& name;  // for messages
  const ImageOptions& options;
};

[[noreturn]] void corrupt(const Source& s, const std::string& what);
[[noreturn]] void unsupported(const Source& s, const std::string& what);

// Of the header: both at least 1, and no more pixels than the limit.
void check_extent(const Source& s, int64_t height, int64_t width);

Image decode_jpeg(const Source& s, ImageNotes& notes);
Image decode_png(const Source& s, ImageNotes& notes);
Image decode_bmp(const Source& s, ImageNotes& notes);
Image decode_pnm(const Source& s, ImageNotes& notes);

// As stored, before the orientation (which notes tell).
PixelSize jpeg_extent(const Source& s, ImageNotes& notes);
PixelSize png_extent(const Source& s, ImageNotes& notes);
PixelSize bmp_extent(const Source& s, ImageNotes& notes);
PixelSize pnm_extent(const Source& s, ImageNotes& notes);

// The orientation tag of a TIFF structure ("II*\0…" or "MM\0*…"); 1 where there is none or it is damaged.
int exif_orientation(Bytes tiff);
Image upright(Image stored, int orientation);
inline bool swaps_axes(int orientation) { return orientation >= 5; }

// v of `bits` bits spread over 0 … 255, rounded: exact at both ends.
inline uint8_t to_8_bits(uint32_t v, int bits) {
  const uint32_t top = (1u << bits) - 1;
  return static_cast<uint8_t>((v * 255u + top / 2) / top);
}

}  // namespace mr::image
