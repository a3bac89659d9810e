// Image files in and out.
//
// The format is told by the first bytes of a file, never by its name (but for TGA, which has no such bytes: its name must end in .tga):
//   JPEG                 libjpeg-turbo, ISLOW, fancy upsampling
//   PNG                  libspng
//   WebP                 libwebp
//   TIFF, BigTIFF        libtiff: grey, palette, RGB, CMYK of up to 16 bits; strips and tiles; uncompressed, CCITT, PackBits, LZW, Deflate,
//                        Zstandard, WebP, JPEG
//   GIF, TGA             stb_image
//   BMP, PNM (P1 … P6)   our own; docs/design.md says why
//   HEIC, AVIF, PDF, …   refused by name, with what to do
// Of a file with several pictures (animations, pages) the first is read; ImageNotes has their number.
//
// What comes out is 8-bit RGB, rows from the top, upright:
//   grey              copied to the three channels
//   alpha             dropped, not composited: the colours are as stored (as in OpenCV's imread and PIL's convert("RGB"))
//   16 bits           round(v · 255 / 65535); 1, 2, 4 bits: spread over 0 … 255; palettes looked up
//   CMYK, YCCK        R = C'·K'/255, …, where C' = 255 − C (files with an Adobe marker store C' already)
//   orientation       EXIF's or TIFF's, 1 … 8, is applied, so that sizes are those of the upright picture
//   gamma, ICC        ignored: the numbers stay as stored
//
// A picture too large to be held whole is read at a fraction of its size (ImageOptions::reduce): JPEG and WebP by their own scalers, the
// others row by row, each pixel the mean of a block. Reduction says where the pixels of the result lie in the whole picture.
//
// Every fault of a file is an ImageError, whose text names the file. A truncated file is corrupt, however little is missing;
// so is a JPEG with a bad Huffman code or a lost marker. Stray bytes between JPEG segments are only counted: COCO has such files.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "data/dataset.h"

namespace mr {

enum class ImageFault : uint8_t {
  cannot_open,  // missing, no permission, a folder, a pipe
  unsupported,  // a format, or a variant of one, that is not read
  too_large,    // the header states more pixels (or scans) than the limit
  corrupt,      // empty, truncated, or not what its format allows
  other_size,   // not of the size that its annotations state (data/image/stated_size.h)
};

class ImageError : public Error {
 public:
  ImageError(ImageFault fault_kind, const std::string& file_name, const std::string& what)
      : Error(str("image '", file_name, "': ", what)), fault(fault_kind), file(file_name) {}
  ImageFault fault;
  std::string file;
};

struct ImageOptions {
  int64_t max_pixels = 179'000'000;      // stated by the header: checked before any pixel is read
  int64_t max_bytes = int64_t{1} << 30;  // of the file
  int max_scans = 100;                   // of a progressive JPEG
  bool orient = true;                    // apply the orientation
  int reduce = 1;                        // at most so many pixels along each side become one

  // For a picture of a mask. A pixel becomes (colour, opacity, 0): the largest of its colour samples, at least 1 where one is not 0 as
  // stored, however deep; and its alpha likewise, 255 where there is none (BMP's is not looked at).
  bool marks = false;
};

enum class ImageFormat : uint8_t { jpeg, png, bmp, pnm, gif, tga, webp, tiff };
const char* name_of(ImageFormat format);  // "JPEG", "PNG", …

// Pixel (y, x) of a reduced picture covers [y0 + fy·y, y0 + fy·(y + 1)) × [x0 + fx·x, x0 + fx·(x + 1)) of the whole one. The last block along a
// side may reach out of it (so y0 and x0 are 0 or, after a turn, a little below).
struct Reduction {
  double fy = 1, fx = 1, y0 = 0, x0 = 0;
  PixelSize whole;  // upright, if that was asked for

  bool none() const { return fy == 1 && fx == 1; }
};

// What the file was before it became RGB.
struct ImageNotes {
  ImageFormat format = ImageFormat::jpeg;
  int channels = 0;           // stored ones: 1 grey or palette, 2 grey + alpha, 3 colour, 4 colour + alpha or CMYK
  int bits = 8;               // of a stored sample
  bool lossy = false;         // the pixels are near those that were stored: JPEG; WebP, once its pixels are read
  int orientation = 1;        // EXIF's or TIFF's
  int64_t pictures = 1;       // in the file; of a GIF that is seen only when the pixels are read
  int64_t warnings = 0;       // faults without effect on the pixels, such as extraneous bytes
  int64_t working_bytes = 0;  // what the decoder holds at once, beside the file and the picture that comes out
  Reduction reduction;        // of what was read
};

Image read_image(const std::string& path, const ImageOptions& options = {}, ImageNotes* notes = nullptr);
Image decode_image(std::span<const uint8_t> bytes, const std::string& name, const ImageOptions& options = {}, ImageNotes* notes = nullptr);

// What the header alone says, quickly: the first 64 KiB of a file and, where that is not enough, what else it needs.
struct ImageHeader {
  PixelSize stored;  // rows and columns as they lie in the file
  ImageNotes notes;

  // Of the picture as it is looked at; that of read_image.
  PixelSize upright() const { return notes.orientation >= 5 ? PixelSize{stored.width, stored.height} : stored; }
};
ImageHeader read_image_header(const std::string& path, const ImageOptions& options = {});

// Height and width of what read_image would return, from the header alone. `notes`: what the header tells beside them.
PixelSize image_size(const std::string& path, const ImageOptions& options = {}, ImageNotes* notes = nullptr);

// The most memory that decoding takes at once, with the file and the picture that comes out. An estimate from above.
int64_t decoding_bytes(const ImageHeader& header, int64_t file_bytes, int reduce = 1);

// What a file is, by its first bytes; nothing is decoded.
struct ImageKind {
  enum Kind : uint8_t { read, refused, other } kind = other;  // refused: a picture or video of a kind that is not read
  std::string what;                                           // "a HEIC picture, …": what it is, with what to do
};
ImageKind image_kind(const std::string& path);  // errors: as read_image

// Numbers, not colours: the samples of a grey PNG (1 … 16 bits) or the indices of a palette PNG, as stored.
// (Cityscapes' instanceIds are 16-bit: 8 bits would turn instance 26003 into 101.)
struct Bitmap16 {
  int height = 0, width = 0;
  std::vector<uint16_t> pixels;  // [height·width], row-major

  Bitmap16() = default;
  Bitmap16(int h, int w) : height(h), width(w), pixels(static_cast<size_t>(h) * static_cast<size_t>(w)) {}
  uint16_t& at(int y, int x) { return pixels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)]; }
  uint16_t at(int y, int x) const { return pixels[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)]; }
};
Bitmap16 read_png16(const std::string& path, const ImageOptions& options = {});
Bitmap16 decode_png16(std::span<const uint8_t> bytes, const std::string& name, const ImageOptions& options = {});

// PNG files: 8-bit RGB, 8-bit grey (values as they are), 16-bit grey. A failed write is an Error and leaves no file behind.
void write_png(const std::string& path, const Image& image);
void write_png(const std::string& path, const Bitmap& grey);
void write_png(const std::string& path, const Bitmap16& grey);
std::vector<uint8_t> encode_png(const Image& image);
// With losses; quality from 0 to 100. Errors: a side of 0 or above 16383.
std::vector<uint8_t> encode_webp(const Image& image, float quality);

// The whole file. Errors: missing, a folder, a pipe (never waits for a writer), larger than max_bytes.
std::vector<uint8_t> read_image_bytes(const std::string& path, int64_t max_bytes = int64_t{1} << 30);

}  // namespace mr
