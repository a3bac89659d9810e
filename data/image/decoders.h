// The decoders behind decode_image, one a format, and what they share. Each throws ImageError.
#pragma once

#include <span>
#include <string>

#include "data/image/file.h"
#include "data/image/image.h"

namespace mr::image {

using Bytes = std::span<const uint8_t>;

// A file's bytes, with the name that messages call it by.
struct Source {
  Bytes bytes;  // all of the file or, where only its header is wanted, the beginning
  const std::string& name;
  const ImageOptions& options;
  const File* file = nullptr;  // has the bytes behind that beginning

  size_t size() const { return file ? file->size() : bytes.size(); }
  size_t read_at(size_t at, std::span<uint8_t> to) const;  // how many there were
};

[[noreturn]] void corrupt(const Source& s, const std::string& what);
[[noreturn]] void unsupported(const Source& s, const std::string& what);

// By the first bytes, and for TGA by the name. Errors: empty; a format that is not read, by its name and with what to do.
ImageFormat format_of(const Source& s);
ImageKind kind_of(const Source& s);

// Of the header: both at least 1, and no more pixels than the limit.
void check_extent(const Source& s, int64_t height, int64_t width);

// The size as stored, before the orientation (which notes tell, with all else that the header says).
PixelSize jpeg_extent(const Source& s, ImageNotes& notes);
PixelSize png_extent(const Source& s, ImageNotes& notes);
PixelSize bmp_extent(const Source& s, ImageNotes& notes);
PixelSize pnm_extent(const Source& s, ImageNotes& notes);
PixelSize gif_extent(const Source& s, ImageNotes& notes);
PixelSize tga_extent(const Source& s, ImageNotes& notes);
PixelSize webp_extent(const Source& s, ImageNotes& notes);
PixelSize tiff_extent(const Source& s, ImageNotes& notes);

// The picture as stored, at 1/options.reduce of its size. notes.reduction has the scale where that is not 1.
Image decode_jpeg(const Source& s, ImageNotes& notes);
Image decode_png(const Source& s, ImageNotes& notes);
Image decode_bmp(const Source& s, ImageNotes& notes);
Image decode_pnm(const Source& s, ImageNotes& notes);
Image decode_gif(const Source& s, ImageNotes& notes);
Image decode_tga(const Source& s, ImageNotes& notes);
Image decode_webp(const Source& s, ImageNotes& notes);
Image decode_tiff(const Source& s, ImageNotes& notes);

bool plausible_tga(Bytes beginning);  // the header of a TGA file, as far as it can be told from any other bytes
int jpeg_reduction(int reduce);       // the largest of libjpeg's scales that is no more

// The orientation tag of a TIFF structure ("II*\0…" or "MM\0*…"); 1 where there is none or it is damaged.
int exif_orientation(Bytes tiff);
Image upright(Image stored, int orientation);
// Where the pixels of the reduced picture lie once it is upright; `reduced` is its stored size.
void turn(Reduction& reduction, PixelSize reduced, int orientation);
inline bool swaps_axes(int orientation) { return orientation >= 5; }

// v of `bits` bits spread over 0 … 255, rounded: exact at both ends.
inline uint8_t to_8_bits(uint32_t v, int bits) {
  const uint32_t top = (1u << bits) - 1;
  return static_cast<uint8_t>((v * 255u + top / 2) / top);
}

// For ImageOptions::marks: what is not 0 stays so.
inline uint8_t mark(uint32_t v, int bits) {
  const uint8_t eight = to_8_bits(v, bits);
  return v != 0 && eight == 0 ? uint8_t{1} : eight;
}

// Sample i of a row: `bits` of 1, 2, 4, 8, packed from the high end, or 16 in the processor's order.
inline uint32_t sample(const uint8_t* row, size_t i, int bits) {
  if (bits == 8) return row[i];
  if (bits == 16) {
    uint16_t v;
    __builtin_memcpy(&v, row + 2 * i, 2);
    return v;
  }
  const size_t per_byte = 8 / static_cast<size_t>(bits), shift = 8 - static_cast<size_t>(bits) * (i % per_byte + 1);
  return row[i / per_byte] >> shift & ((1u << bits) - 1);
}

}  // namespace mr::image
